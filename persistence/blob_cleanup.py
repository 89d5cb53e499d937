"""Deletes orphaned blobs: those of deleted files and their thumbnails, uploads that were never attached, and blobs that no row
names.

A file's blob is deleted after the transaction that deleted the file, from a log that it wrote (`discarded_blobs`): until then the
object is an orphan, which is harmless. Every part may run twice, in several processes, and may be interrupted anywhere: a key is
never used again, and a blob is deleted before its log entry. Only blobs under `attachments/` and `thumbnails/` are
considered; documents have a cleanup of their own.

A blob that cannot be deleted is skipped for a while. When all of a batch fail, or many in a row, the storage is away and the
cleanup ends.

Rejected: deleting right after the commit, inside the request (it would wait for the storage, and a crash would still leave
orphans).
"""

import logging
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ARRAY, Integer, Text, bindparam, func, not_, select

from domain.blob import BlobStore
from domain.errors import StorageUnavailable
from domain.picture import THUMBNAILS_PREFIX, thumbnail_prefix
from persistence.access import any_id
from persistence.backup.running import require_no_backup
from persistence.engine.database import Database
from persistence.engine.statement import Statement
from persistence.retry_schedule import RetrySchedule
from persistence.stores.attachment import SqlAttachments
from persistence.tables import INSTANT, attached, attachments, discarded_blobs

RETENTION = timedelta(hours=24)
MAX_BATCH_ROWS = 100
_MAX_FAILURES_IN_A_ROW = 5
logger = logging.getLogger(__name__)
_PREFIXES = ("attachments/", THUMBNAILS_PREFIX)
_BEFORE, _SIZE = bindparam("before", type_=INSTANT), bindparam("size", type_=Integer)
_KEYS = bindparam("keys", type_=ARRAY(Text))
_a, _discarded = attachments, discarded_blobs
_DISCARDED = Statement(
    select(_discarded.c.key)
    .where(_discarded.c.key != func.all(bindparam("skipped", type_=ARRAY(Text))))
    .order_by(_discarded.c.at, _discarded.c.key)
    .limit(_SIZE)
)
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
    """How many were deleted: uploads that were never attached, blobs of deleted files, blobs that no row named; and how many
    failed."""

    abandoned: int = 0
    discarded: int = 0
    orphaned: int = 0
    failed: int = 0

    def __str__(self) -> str:
        """For operators."""
        return (
            f"Deleted {self.abandoned} abandoned uploads, {self.discarded} blobs of deleted files, "
            f"{self.orphaned} blobs that nothing names."
        ) + (f" {self.failed} blobs could not be deleted; the next cleanup tries again." if self.failed else "")


async def clean_up_blobs(
    database: Database, blobs: BlobStore, now: datetime, *, orphans: bool = True, retries: RetrySchedule[str] | None = None
) -> CleanupReport:
    """
    Delete everything that nobody needs; nothing younger than a day, which may still be in use.

    Finding `orphans` lists every blob of an attachment. Blobs that fail are recorded in `retries`. Raises StorageUnavailable, and
    BackupRunning while one is, with a part of the work done.
    """
    retries = RetrySchedule() if retries is None else retries
    before, failures_before = now - RETENTION, retries.failure_count
    abandoned = await _remove_abandoned(database, before, now)
    discarded = await _delete_discarded(database, blobs, retries)
    orphaned = await _delete_orphans(database, blobs, before, retries) if orphans else 0
    failed = retries.failure_count - failures_before
    return CleanupReport(abandoned=abandoned, discarded=discarded, orphaned=orphaned, failed=failed)


async def _remove_abandoned(database: Database, before: datetime, now: datetime) -> int:
    """Delete uploads that were not attached within a day."""
    count = 0
    while True:
        async with database.begin() as connection:
            found = [row[0] for row in await connection.fetch(_ABANDONED, before=before, size=MAX_BATCH_ROWS)]
            await SqlAttachments(connection).remove_all(found, now)
        count += len(found)
        if len(found) < MAX_BATCH_ROWS:
            return count


async def _delete_discarded(database: Database, blobs: BlobStore, retries: RetrySchedule[str]) -> int:
    count = 0
    while keys := [row[0] for row in await database.fetch(_DISCARDED, size=MAX_BATCH_ROWS, skipped=retries.skipped())]:
        deleted = await _delete_each(database, blobs, keys, retries)
        async with database.begin() as connection:
            await connection.execute(_DELETE_DISCARDED, keys=deleted)
        count += len(deleted)
    return count


async def _delete_orphans(database: Database, blobs: BlobStore, before: datetime, retries: RetrySchedule[str]) -> int:
    count = 0
    async for found in _old_key_batches(blobs, before):
        known = {row[0] for row in await database.fetch(_EXISTING, ids=list({id_ for _, id_ in found}))}
        keys = [key for key, id_ in found if id_ not in known]
        count += len(await _delete_each(database, blobs, [key for key in keys if not retries.is_skipped(key)], retries))
    return count


async def _delete_each(database: Database, blobs: BlobStore, keys: Sequence[str], retries: RetrySchedule[str]) -> list[str]:
    """Delete blobs of which the caller has read that nothing names them; those that could be deleted.

    Raises BackupRunning, and StorageUnavailable when it is the storage that fails, not single blobs.
    """
    await require_no_backup(database)
    deleted: list[str] = []
    failed: dict[str, StorageUnavailable] = {}
    in_a_row = 0
    for key in keys:
        try:
            await _delete_blob(blobs, key)
        except StorageUnavailable as error:
            failed[key] = error
            in_a_row += 1
            if in_a_row == _MAX_FAILURES_IN_A_ROW or len(failed) == len(keys):
                raise
        else:
            deleted.append(key)
            in_a_row = 0
            retries.record_success(key)
    for key, failure in failed.items():
        pause = retries.record_failure(key)
        logger.error("The blob %s cannot be deleted, tried again in %.0f s: %s", key, pause, failure.__cause__ or failure)
    return deleted


async def _delete_blob(blobs: BlobStore, key: str) -> None:
    """Delete a blob; that of an attachment with its thumbnails, after which none is made any more."""
    await blobs.delete(key)
    if key.startswith(_PREFIXES[0]) and (id_ := _attachment_id(key)) is not None:
        async for thumbnail in blobs.find(thumbnail_prefix(id_)):
            await blobs.delete(thumbnail.key)


async def _old_key_batches(blobs: BlobStore, before: datetime) -> AsyncIterator[list[tuple[str, UUID]]]:
    """The keys of attachments and thumbnails that are old enough, each with the attachment's id, in batches."""
    batch: list[tuple[str, UUID]] = []
    for prefix in _PREFIXES:
        async for listed in blobs.find(prefix):
            if listed.modified_at < before and (id_ := _attachment_id(listed.key)) is not None:
                batch.append((listed.key, id_))
                if len(batch) == MAX_BATCH_ROWS:
                    yield batch
                    batch = []
    if batch:
        yield batch


def _attachment_id(key: str) -> UUID | None:
    """The id of the attachment whose blob this is, or of whose thumbnail."""
    try:
        return UUID(key.split("/")[1])
    except (ValueError, IndexError):
        return None
