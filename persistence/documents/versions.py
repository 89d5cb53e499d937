"""Versions: what a document says, made into contents and kept; and the log, shortened behind them.

A version is saved when somebody asks, and by the server when a document has been quiet, at most once in ten minutes. The log
keeps the edits of the last day behind the newest version, so that whoever was away for a night still gets single edits, and a
difference since his last visit to the minute. What goes is only what that version holds: its state was loaded anew and said the
same before it was stored (`forms`), and is read from storage again, under its hash, before the log is shortened.
"""

import asyncio
import hashlib
import logging
import random
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, Integer, Uuid, bindparam, func, literal_column, or_, select
from sqlalchemy import any_ as sql_any

from domain.actor import Actor
from domain.document import Document, DocumentType, Snapshot
from domain.document.version import save_automatic_version
from domain.errors import Invalid, Unavailable
from domain.permissions import Action, ResourceKind, Role, granted_actions
from domain.reference import extract_links
from persistence.access import project_open_to
from persistence.blobs.document_objects import DocumentObjects
from persistence.documents.contents import ContentReader
from persistence.documents.document_reader import DocumentReader, StoredState
from persistence.documents.rendering import render_forms, require_loadable
from persistence.documents.worker_pool import WorkerPool
from persistence.engine.database import Database
from persistence.engine.statement import Statement
from persistence.tables import INSTANT, document_heads, document_updates, document_versions, documents, projects, team_members
from persistence.unit_of_work import Announcer, unit_of_work

MIN_VERSION_INTERVAL = timedelta(minutes=10)
LOG_RETENTION = timedelta(days=1)
COMPACTION_INTERVAL_SECONDS = 60.0  # seconds between looks for documents that no room settles
_MAX_DUE_DOCUMENTS = 50
logger = logging.getLogger(__name__)

_d, _v, _h, _u, _p, _m = documents, document_versions, document_heads, document_updates, projects, team_members
_ID = bindparam("id", type_=Uuid)
_TYPE = Statement(select(_d.c.type).where(_d.c.id == _ID))
_unsaved = _h.c.position > _d.c.latest_position
_old_enough = or_(_d.c.latest_version_id.is_(None), _v.c.created_at <= bindparam("before", type_=INSTANT))
_due = (
    select(_d.c.id)
    .select_from(_d.join(_h, _h.c.document_id == _d.c.id).outerjoin(_v, _v.c.id == _d.c.latest_version_id))
    .where(_unsaved, _old_enough, _d.c.deleted_at.is_(None))
)
_IS_DUE = Statement(_due.where(_d.c.id == _ID))
_ALL_DUE = Statement(
    _due.where(
        select(func.max(_u.c.at)).where(_u.c.document_id == _d.c.id).correlate(_d).scalar_subquery()
        <= bindparam("quiet_since", type_=INSTANT)
    ).limit(literal_column(str(_MAX_DUE_DOCUMENTS), Integer))
)
_TRIM_POSITION = Statement(
    select(func.max(_u.c.position)).where(
        _u.c.document_id == _ID,
        _u.c.position <= bindparam("to", type_=BigInteger),
        _u.c.at < bindparam("before", type_=INSTANT),
    )
)
_ACCESS = Statement(
    select(_d.c.team_id, _m.c.user_id, _m.c.role, _p.c.status)
    .select_from(
        _d.join(_p, _p.c.id == _d.c.project_id).outerjoin(
            _m,
            (_m.c.team_id == _p.c.team_id)
            & (_m.c.user_id == sql_any(bindparam("users", type_=ARRAY(Uuid))))
            & project_open_to(_p, _m, _m.c.user_id),
        )
    )
    .where(_d.c.id == _ID, _d.c.deleted_at.is_(None), _p.c.deleted_at.is_(None))
)


class VersionStore:
    """The versions of all documents; lives as long as the process. Rooms of live editing ask it for `snapshot` and to
    `settle`."""

    def __init__(self, database: Database, announcer: Announcer, objects: DocumentObjects, workers: WorkerPool) -> None:
        self.objects = objects
        self.reader = DocumentReader(database, objects)
        self.workers = workers
        self.contents = ContentReader(self.reader, workers)
        self._database = database
        self._announcer = announcer

    async def snapshot(self, document_id: UUID) -> tuple[bytes, int] | None:
        """The state of the newest version and its position; None when there is none yet. The log goes on from there."""
        return await self.reader.newest_snapshot(document_id)

    async def split_update(self, update: bytes, max_unanchored: int, *, stored: bool = False) -> list[bytes]:
        """A large update as small ones (`content.split_update`)."""
        return await self.workers.split_update(update, max_unanchored, stored=stored)

    async def compact(self, document_id: UUID) -> bool:
        """The document is quiet, or was left: save a version if it is time for one, and shorten its log; whether one was
        saved."""
        saved = await self._save_if_due(document_id)
        await self.trim_log(document_id)
        return saved

    async def compact_all(self, *, quiet_for: timedelta = MIN_VERSION_INTERVAL) -> int:
        """Save versions of documents that were edited outside rooms, or left when it was not time for a version; how many."""
        now = datetime.now(UTC)
        given = {"before": now - MIN_VERSION_INTERVAL, "quiet_since": now - quiet_for}
        due = [row[0] for row in await self._database.fetch(_ALL_DUE, **given)]
        return sum([await self.compact(each) for each in due])

    async def compact_forever(self, interval_seconds: float = COMPACTION_INTERVAL_SECONDS) -> None:
        """Settle what is due, over and over; storage or a database that is away is waited for."""
        while True:
            await asyncio.sleep(interval_seconds * random.uniform(0.75, 1.25))  # noqa: S311 (no secret)
            try:
                await self.compact_all()
            except Unavailable as error:
                logger.warning("Documents cannot be settled now: %s", error.message)

    async def snapshot_now(self, document_id: UUID, type_: DocumentType) -> Snapshot:
        """What a document says now, its contents stored."""
        (state,) = await self.reader.read([document_id])
        return await self.store_snapshot(document_id, type_, state)

    async def store_snapshot(self, document_id: UUID, type_: DocumentType, state: StoredState) -> Snapshot:
        """Store what a state says. Raises StorageUnavailable, and InvalidUpdate where the state is not whole."""
        made = await self.workers.run(state.size, render_forms, type_, state.snapshot, state.updates)
        contents = (made.state, made.markdown.encode(), made.text.encode())
        named = await self.objects.put_contents(document_id, *contents)
        return Snapshot(
            position=state.position,
            state=made.state,
            plain_text=made.text,
            crdt=named[0],
            markdown=named[1],
            text=named[2],
            byte_size=sum(map(len, contents)),
            author_ids=sorted({each.author_id for each in state.edits if each.author_id is not None}),
            links=extract_links(made.markdown),
        )

    async def trim_log(self, document_id: UUID) -> int:
        """Shorten the log to what the newest version does not hold, and a margin; how many edits went."""
        (state,) = await self.reader.read([document_id])
        if state.base is None:
            return 0
        old = {"id": document_id, "to": state.base_position, "before": datetime.now(UTC) - LOG_RETENTION}
        to = await self._database.fetch_value(_TRIM_POSITION, **old)
        if to is None:
            return 0
        stored = await self.objects.read_content(document_id, state.base.crdt)
        if hashlib.sha256(stored).hexdigest() != state.base.crdt:
            logger.error("The contents of version %d of document %s are damaged.", state.base.number, document_id)
            return 0
        await self.workers.run(len(stored), require_loadable, stored)
        return await self.reader.log.trim(document_id, to)

    async def access(self, document_id: UUID, user_ids: Collection[UUID]) -> tuple[UUID, dict[UUID, frozenset[Action]]] | None:
        """The team of a document and what each of these users may do with it; None when there is none, or it is deleted."""
        rows = await self._database.fetch(_ACCESS, id=document_id, users=list(user_ids))
        if not rows:
            return None
        return rows[0]["team_id"], {
            row["user_id"]: granted_actions(
                Actor(user_id=row["user_id"]), Role(row["role"]), ResourceKind.DOCUMENT, archived=row["status"] == "ARCHIVED"
            )
            for row in rows
            if row["user_id"] is not None
        }

    async def _save_if_due(self, document_id: UUID) -> bool:
        given = {"id": document_id, "before": datetime.now(UTC) - MIN_VERSION_INTERVAL}
        if await self._database.fetch_value(_IS_DUE, **given) is None:
            return False
        type_ = DocumentType(await self._database.fetch_value(_TYPE, id=document_id))
        try:
            snapshot = await self.snapshot_now(document_id, type_)
        except Invalid as error:
            logger.error("No version can be made of document %s: %s", document_id, error)
            return False
        async with unit_of_work(self._database, self._announcer, objects=self.objects) as uow:
            document = await uow.documents.lock_for_server(document_id)
            # Another process, or somebody, may have saved one meanwhile; what it does not hold will be due again.
            if (
                document is None
                or await uow.connection.fetch_value(_IS_DUE, **given) is None
                or not _has_changes(document, snapshot)
            ):
                return False
            await save_automatic_version(uow, document, snapshot)
        return True


def _has_changes(document: Document, snapshot: Snapshot) -> bool:
    return snapshot.position > document.latest_position
