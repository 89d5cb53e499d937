"""Compares two states of a document, and attributes its text to authors.

Yjs stores with every character the client that inserted it. Whose client that was is in the log's table of clients; when it was
written is known to the minute for edits that the log still has, and what is older is dated by the newest version that the log no
longer reaches behind.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Uuid, bindparam, func, select

from content.diff import Diff
from domain.document import DocumentType
from domain.document.update import LoggedUpdate
from domain.errors import CursorExpired
from persistence.documents.document_reader import DocumentReader, StoredState
from persistence.documents.history import AttributedSpan, attribute_spans, compute_diff
from persistence.documents.worker_pool import WorkerPool
from persistence.engine.database import Database
from persistence.engine.statement import Statement
from persistence.events.document_log import UpdateLog
from persistence.tables import INSTANT, document_updates, document_versions, seen_marks

_PAGE_UPDATES, _MAX_UPDATES = 2_000, 20_000
_u, _v, _s = document_updates, document_versions, seen_marks
_INSTANT = bindparam("instant", type_=INSTANT)
_ID = bindparam("id", type_=Uuid)
_POSITION_AT = Statement(
    select(
        func.greatest(
            select(func.max(_u.c.position)).where(_u.c.document_id == _ID, _u.c.at <= _INSTANT).scalar_subquery(),
            select(func.max(_v.c.position)).where(_v.c.document_id == _ID, _v.c.created_at <= _INSTANT).scalar_subquery(),
        )
    )
)
_VERSION_POSITION_AT = Statement(select(func.max(_v.c.position)).where(_v.c.document_id == _ID, _v.c.created_at <= _INSTANT))
_LAST_VISIT = Statement(select(_s.c.at).where(_s.c.user_id == bindparam("viewer", type_=Uuid), _s.c.subject_id == _ID))


async def state_at_last_visit(reader: DocumentReader, database: Database, viewer: UUID, document_id: UUID) -> StoredState:
    """What a document said when a person last saw it; nothing where they never did."""
    instant = await database.fetch_value(_LAST_VISIT, viewer=viewer, id=document_id)
    if instant is None:
        return StoredState(document_id=document_id, position=0)
    position = await database.fetch_value(_POSITION_AT, id=document_id, instant=instant) or 0
    try:
        (state,) = await reader.read([document_id], at=position)
    except CursorExpired:  # single edits of that time were trimmed: the version before
        (state,) = await reader.read(
            [document_id], at=await database.fetch_value(_VERSION_POSITION_AT, id=document_id, instant=instant) or 0
        )
    return state


async def compare(
    workers: WorkerPool, type_: DocumentType, old: StoredState, new: StoredState, *, owner: UUID | None = None
) -> Diff:
    """What changed between two states, as Markdown; of what was added, by which client."""
    before, after = (old.snapshot, old.updates), (new.snapshot, new.updates)
    return await workers.run(old.size + new.size, compute_diff, type_, before, after, owner=owner)


async def attribute(
    workers: WorkerPool,
    type_: DocumentType,
    state: StoredState,
    log: UpdateLog,
    since: datetime,
    *,
    owner: UUID | None = None,
) -> list[AttributedSpan]:
    """Who wrote which part of a text; `since` dates what is older than the document's versions."""
    authors = await log.authors(state.document_id)
    edits = [(each.data, each.at) for each in await _retained(log, state)]
    size = state.size + sum(len(data) for data, _ in edits)
    older = since if state.base is None else state.base.created_at
    given = (state.snapshot, state.updates)
    return await workers.run(size, attribute_spans, type_, given, authors, edits, older, owner=owner)


async def _retained(log: UpdateLog, state: StoredState) -> list[LoggedUpdate]:
    """The newest edits that the log still has."""
    bounds = (await log.bounds([state.document_id])).get(state.document_id)
    if bounds is None:
        return []
    after = max(bounds.trimmed_to, state.position - _MAX_UPDATES)
    edits: list[LoggedUpdate] = []
    try:
        while after < state.position and (page := await log.read(state.document_id, after, _PAGE_UPDATES)):
            edits += page
            after = page[-1].position
    except CursorExpired:  # trimmed meanwhile: what was read is what there is
        pass
    return edits
