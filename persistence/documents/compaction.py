"""Compacts documents that nobody edits any more: saves a version when one is due, and trims the log behind it.

The log retains the edits of the last day behind the newest version, so that a client that was away for a night still gets single
edits, and a difference since a person's last visit is exact to the minute. Only what that version holds is trimmed: its state was
loaded anew and said the same before it was stored, and is read from storage again, under its hash, before the log is trimmed.

A document that cannot be compacted is skipped, counted and logged, and tried again after a pause that doubles with every failure:
it never stops the others, nor takes their places among those that are due.
"""

import asyncio
import hashlib
import logging
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import BigInteger, Uuid, bindparam, func, select

from domain.errors import DomainError, Unavailable
from persistence.blobs.document_objects import DocumentObjects
from persistence.documents.document_reader import DocumentReader
from persistence.documents.rendering import require_loadable
from persistence.documents.versions import MIN_VERSION_INTERVAL, VersionStore
from persistence.documents.worker_pool import WorkerPool
from persistence.engine.database import Database
from persistence.engine.statement import Statement
from persistence.retry_schedule import RetrySchedule
from persistence.tables import INSTANT, document_updates

LOG_RETENTION = timedelta(days=1)
logger = logging.getLogger(__name__)

_u = document_updates
_TRIM_POSITION = Statement(
    select(func.max(_u.c.position)).where(
        _u.c.document_id == bindparam("id", type_=Uuid),
        _u.c.position <= bindparam("to", type_=BigInteger),
        _u.c.at < bindparam("before", type_=INSTANT),
    )
)


class CompactionService:
    """Compacts documents; lives as long as the process."""

    def __init__(
        self,
        database: Database,
        objects: DocumentObjects,
        reader: DocumentReader,
        versions: VersionStore,
        workers: WorkerPool,
        *,
        retries: RetrySchedule[UUID] | None = None,
    ) -> None:
        self._database = database
        self._objects = objects
        self._reader = reader
        self._versions = versions
        self._workers = workers
        self._retries = RetrySchedule[UUID]() if retries is None else retries
        self.failure_count = 0

    @property
    def failing_count(self) -> int:
        """How many documents failed the last time that they were tried."""
        return len(self._retries)

    async def compact(self, document_id: UUID) -> bool:
        """Save a version if one is due, and trim the log; whether a version was saved. Raises what reading and storing raise."""
        saved = await self._versions.save_if_due(document_id)
        await self.trim_log(document_id)
        return saved

    async def try_compact(self, document_id: UUID) -> bool:
        """The same, where a failure is recorded and logged, and the document skipped until its pause is over. Raises nothing."""
        if self._retries.is_skipped(document_id):
            return False
        try:
            saved = await self.compact(document_id)
        except Unavailable as error:  # of the server, not of this document
            logger.warning("Document %s cannot be compacted now: %s", document_id, error.message)
            return False
        except DomainError as error:
            pause = self._record_failure(document_id)
            logger.error("Document %s cannot be compacted, tried again in %.0f s: %s", document_id, pause, error.message)
            return False
        except Exception:  # one broken document must not stop the others
            pause = self._record_failure(document_id)
            logger.exception("Document %s cannot be compacted, tried again in %.0f s.", document_id, pause)
            return False
        self._retries.record_success(document_id)
        return saved

    async def compact_all(self, *, quiet_for: timedelta = MIN_VERSION_INTERVAL) -> int:
        """
        Compact documents that were edited outside rooms, or closed before a version was due; how many versions were saved.

        Raises Unavailable where not even the list of them can be read.
        """
        due = await self._versions.due(quiet_for=quiet_for, skipped=self._retries.skipped())
        return sum([await self.try_compact(each) for each in due])

    async def trim_log(self, document_id: UUID) -> int:
        """Trim the log to what the newest version does not hold, and a day before it; how many edits were deleted."""
        (state,) = await self._reader.read([document_id])
        if state.base is None:
            return 0
        params = {"id": document_id, "to": state.base_position, "before": datetime.now(UTC) - LOG_RETENTION}
        position = await self._database.fetch_value(_TRIM_POSITION, **params)
        if position is None:
            return 0
        stored = await self._objects.read_content(document_id, state.base.crdt)
        if (await asyncio.to_thread(hashlib.sha256, stored)).hexdigest() != state.base.crdt:
            logger.error("The contents of version %d of document %s are damaged.", state.base.number, document_id)
            return 0
        await self._workers.run(len(stored), require_loadable, stored)
        return await self._reader.log.trim(document_id, position)

    def _record_failure(self, document_id: UUID) -> float:
        self.failure_count += 1
        return self._retries.record_failure(document_id)
