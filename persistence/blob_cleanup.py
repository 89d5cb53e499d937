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

from domain.blob import Blobs, attachment_key
from persistence.access import ids
from persistence.engine.database import Database, Statement
from persistence.stores.attachment import SqlAttachments
from persistence.tables import INSTANT, attached, attachments, discarded_blobs

KEPT = timedelta(hours=24)
BATCH = 100
_PREFIX = "attachments/"
_BEFORE, _SIZE = bindparam("before", type_=INSTANT), bindparam("size", type_=Integer)
_KEYS = bindparam("keys", type_=ARRAY(Text))
_a, _gone = attachments, discarded_blobs
_DISCARDED = Statement(select(_gone.c.key).order_by(_gone.c.at, _gone.c.key).limit(_SIZE))
_FORGET = Statement(_gone.delete().where(_gone.c.key == func.any(_KEYS)))
_ABANDONED = Statement(
    select(_a.c.id)
    .where(_a.c.created_at < _BEFORE, not_(attached))
    .order_by(_a.c.created_at)
    .limit(_SIZE)
    .with_for_update(skip_locked=True)
)
_KNOWN = Statement(select(_a.c.id).where(_a.c.id == ids()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
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


async def sweep(database: Database, blobs: Blobs, now: datetime, *, orphans: bool = True) -> Swept:
    """
    Take away all that can go; nothing younger than a day that somebody may still be busy with.

    Looking for `orphans` lists every blob of an attachment. Raises StorageUnavailable, having done a part.
    """
    before = now - KEPT
    abandoned = await _give_up(database, before, now)
    discarded = await _delete_discarded(database, blobs)
    return Swept(
        abandoned=abandoned,
        discarded=discarded,
        orphaned=await _delete_orphans(database, blobs, before) if orphans else 0,
    )


async def _give_up(database: Database, before: datetime, now: datetime) -> int:
    """Remove uploads that have been on nothing for a day."""
    count = 0
    while True:
        async with database.begin() as connection:
            found = [row[0] for row in await connection.fetch(_ABANDONED, before=before, size=BATCH)]
            await SqlAttachments(connection).remove_all(found, now)
        count += len(found)
        if len(found) < BATCH:
            return count


async def _delete_discarded(database: Database, blobs: Blobs) -> int:
    count = 0
    while keys := [row[0] for row in await database.fetch(_DISCARDED, size=BATCH)]:
        for key in keys:
            await blobs.delete(key)
        async with database.begin() as connection:
            await connection.execute(_FORGET, keys=keys)
        count += len(keys)
    return count


async def _delete_orphans(database: Database, blobs: Blobs, before: datetime) -> int:
    count = 0
    async for found in _batches(blobs, before):
        known = {row[0] for row in await database.fetch(_KNOWN, ids=found)}
        for attachment_id in found:
            if attachment_id not in known:
                await blobs.delete(attachment_key(attachment_id))
                count += 1
    return count


async def _batches(blobs: Blobs, before: datetime) -> AsyncIterator[list[UUID]]:
    """The ids under which blobs lie that are old enough, many at a time."""
    batch: list[UUID] = []
    async for listed in blobs.find(_PREFIX):
        if listed.modified_at < before and (id_ := _named(listed.key)) is not None:
            batch.append(id_)
            if len(batch) == BATCH:
                yield batch
                batch = []
    if batch:
        yield batch


def _named(key: str) -> UUID | None:
    try:
        return UUID(key.removeprefix(_PREFIX))
    except ValueError:
        return None
