"""Taking away what nobody needs: blobs of deleted files, uploads that were never attached, and blobs that nothing names.

A file's blob is deleted after the transaction that deleted the file, from a log written by it (`discarded_blobs`): until then the
object is an orphan, which is harmless. Every part may run twice, in several processes, and may be interrupted anywhere: a key is
never used again, and a blob is deleted before its mention. Only blobs under `attachments/` are looked at; documents sweep their
own.

Rejected: deleting right after the commit, inside the request (it would wait for the storage, and a crash would still leave
orphans).
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ARRAY, Integer, Text, bindparam, func, not_, select

from domain.blob import BlobStore, attachment_key
from persistence.access import any_id
from persistence.engine.database import Database
from persistence.engine.statement import Statement
from persistence.stores.attachment import SqlAttachments
from persistence.tables import INSTANT, attached, attachments, discarded_blobs

RETENTION = timedelta(hours=24)
MAX_BATCH_ROWS = 100
_PREFIX = "attachments/"
_BEFORE, _SIZE = bindparam("before", type_=INSTANT), bindparam("size", type_=Integer)
_KEYS = bindparam("keys", type_=ARRAY(Text))
_a, _discarded = attachments, discarded_blobs
_DISCARDED = Statement(select(_discarded.c.key).order_by(_discarded.c.at, _discarded.c.key).limit(_SIZE))
_DELETE_DISCARDED = Statement(_discarded.delete().where(_discarded.c.key == func.any(_KEYS)))
_ABANDONED = Statement(
    select(_a.c.id)
    .where(_a.c.created_at < _BEFORE, not_(attached))
    .order_by(_a.c.created_at)
    .limit(_SIZE)
    .with_for_update(skip_locked=True)
)
_EXISTING = Statement(select(_a.c.id).where(_a.c.id == any_id()))


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanupReport:
    """How much was taken away: uploads that were never attached, blobs of deleted files, blobs that nothing named."""

    abandoned: int = 0
    discarded: int = 0
    orphaned: int = 0

    def __str__(self) -> str:
        """For people."""
        return (
            f"Deleted {self.abandoned} abandoned uploads, {self.discarded} blobs of deleted files, "
            f"{self.orphaned} blobs that nothing names."
        )


async def clean_up_blobs(database: Database, blobs: BlobStore, now: datetime, *, orphans: bool = True) -> CleanupReport:
    """
    Take away all that can go; nothing younger than a day that somebody may still be busy with.

    Looking for `orphans` lists every blob of an attachment. Raises StorageUnavailable, having done a part.
    """
    before = now - RETENTION
    abandoned = await _remove_abandoned(database, before, now)
    discarded = await _delete_discarded(database, blobs)
    return CleanupReport(
        abandoned=abandoned,
        discarded=discarded,
        orphaned=await _delete_orphans(database, blobs, before) if orphans else 0,
    )


async def _remove_abandoned(database: Database, before: datetime, now: datetime) -> int:
    """Remove uploads that have been on nothing for a day."""
    count = 0
    while True:
        async with database.begin() as connection:
            found = [row[0] for row in await connection.fetch(_ABANDONED, before=before, size=MAX_BATCH_ROWS)]
            await SqlAttachments(connection).remove_all(found, now)
        count += len(found)
        if len(found) < MAX_BATCH_ROWS:
            return count


async def _delete_discarded(database: Database, blobs: BlobStore) -> int:
    count = 0
    while keys := [row[0] for row in await database.fetch(_DISCARDED, size=MAX_BATCH_ROWS)]:
        for key in keys:
            await blobs.delete(key)
        async with database.begin() as connection:
            await connection.execute(_DELETE_DISCARDED, keys=keys)
        count += len(keys)
    return count


async def _delete_orphans(database: Database, blobs: BlobStore, before: datetime) -> int:
    count = 0
    async for found in _old_id_batches(blobs, before):
        known = {row[0] for row in await database.fetch(_EXISTING, ids=found)}
        for attachment_id in found:
            if attachment_id not in known:
                await blobs.delete(attachment_key(attachment_id))
                count += 1
    return count


async def _old_id_batches(blobs: BlobStore, before: datetime) -> AsyncIterator[list[UUID]]:
    """The ids under which blobs lie that are old enough, many at a time."""
    batch: list[UUID] = []
    async for listed in blobs.find(_PREFIX):
        if listed.modified_at < before and (id_ := _attachment_id(listed.key)) is not None:
            batch.append(id_)
            if len(batch) == MAX_BATCH_ROWS:
                yield batch
                batch = []
    if batch:
        yield batch


def _attachment_id(key: str) -> UUID | None:
    try:
        return UUID(key.removeprefix(_PREFIX))
    except ValueError:
        return None
