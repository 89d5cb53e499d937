"""Saves the versions that the server makes by itself: of a document that has been quiet, at most one in ten minutes; and of one
that is edited without a pause, one for so many edits."""

import logging
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import ARRAY, Integer, Uuid, bindparam, literal_column, or_, select
from sqlalchemy import any_ as sql_any

from domain.document import Document, DocumentType, Snapshot
from domain.document.version import MAX_UNSAVED_UPDATES, save_automatic_version
from persistence.blobs.document_objects import DocumentObjects
from persistence.documents.snapshots import SnapshotStore
from persistence.engine.database import Database
from persistence.engine.statement import Statement
from persistence.tables import INSTANT, document_heads, document_updates, document_versions, documents
from persistence.unit_of_work import Announcer, unit_of_work

MIN_VERSION_INTERVAL = timedelta(minutes=10)
MAX_DUE_DOCUMENTS = 50
logger = logging.getLogger(__name__)

_d, _v, _h, _u = documents, document_versions, document_heads, document_updates
_ID = bindparam("id", type_=Uuid)
_TYPE = Statement(select(_d.c.type).where(_d.c.id == _ID))
_unsaved = _h.c.position > _d.c.latest_position
_has_many_edits = _h.c.position - _d.c.latest_position >= literal_column(str(MAX_UNSAVED_UPDATES), Integer)
_old_enough = or_(_d.c.latest_version_id.is_(None), _v.c.created_at <= bindparam("before", type_=INSTANT), _has_many_edits)
_due = (
    select(_d.c.id)
    .select_from(_d.join(_h, _h.c.document_id == _d.c.id).outerjoin(_v, _v.c.id == _d.c.latest_version_id))
    .where(_unsaved, _old_enough, _d.c.deleted_at.is_(None))
)
_IS_DUE = Statement(_due.where(_d.c.id == _ID))
_ALL_DUE = Statement(
    _due.where(
        or_(
            select(_u.c.at)
            .where(_u.c.document_id == _d.c.id)
            .order_by(_u.c.position.desc())
            .limit(literal_column("1"))
            .correlate(_d)
            .scalar_subquery()
            <= bindparam("quiet_since", type_=INSTANT),
            _has_many_edits,
        ),
        ~(_d.c.id == sql_any(bindparam("skipped", type_=ARRAY(Uuid)))),
    ).limit(literal_column(str(MAX_DUE_DOCUMENTS), Integer))
)


class VersionStore:
    """Saves automatic versions; lives as long as the process."""

    def __init__(self, database: Database, announcer: Announcer, objects: DocumentObjects, snapshots: SnapshotStore) -> None:
        self._database = database
        self._announcer = announcer
        self._objects = objects
        self._snapshots = snapshots

    async def due(self, *, quiet_for: timedelta, skipped: Collection[UUID] = ()) -> list[UUID]:
        """Up to `MAX_DUE_DOCUMENTS` documents with unsaved edits that nobody has edited for a while, or with many, and that may
        have a version."""
        now = datetime.now(UTC)
        params = {"before": now - MIN_VERSION_INTERVAL, "quiet_since": now - quiet_for, "skipped": list(skipped)}
        return [row[0] for row in await self._database.fetch(_ALL_DUE, **params)]

    async def save_if_due(self, document_id: UUID) -> bool:
        """
        Save a version if there are unsaved edits and the newest version is old enough, or there are many; whether one was saved.

        Raises Invalid for a document of which no version can be made, and what `SnapshotStore.store` raises.
        """
        params = {"id": document_id, "before": datetime.now(UTC) - MIN_VERSION_INTERVAL}
        if await self._database.fetch_value(_IS_DUE, **params) is None:
            return False
        type_ = DocumentType(await self._database.fetch_value(_TYPE, id=document_id))
        snapshot = await self._snapshots.store_current(document_id, type_)
        async with unit_of_work(self._database, self._announcer, objects=self._objects) as uow:
            document = await uow.documents.lock_for_server(document_id)
            # Another process, or a person, may have saved one meanwhile; what it does not hold is due again later.
            if (
                document is None
                or await uow.connection.fetch_value(_IS_DUE, **params) is None
                or not _has_changes(document, snapshot)
            ):
                return False
            await save_automatic_version(uow, document, snapshot)
        return True


def _has_changes(document: Document, snapshot: Snapshot) -> bool:
    return snapshot.position > document.latest_position
