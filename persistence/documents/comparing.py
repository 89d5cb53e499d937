"""What changed in a document between two points, and who wrote what stands in it.

Yjs keeps with every character the client that inserted it; whose client that was is in the log's table of clients, and when he wrote it is
known to the minute for edits that the log still has. What is older was written before the newest version that the log no longer
reaches behind, and is dated by that.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Uuid, bindparam, func, select

from content import attribution, crdt, kind
from content.diff import Diff, diff
from content.structs import parse
from domain.document import ContentFormat, DocumentType
from domain.document.update import LoggedUpdate
from domain.errors import CursorExpired
from persistence.database import Database, Statement
from persistence.documents.forms import apart
from persistence.documents.log import UpdateLog
from persistence.documents.states import State, States
from persistence.tables import INSTANT, document_updates, document_versions, seen_marks

_PAGE, _MOST = 2_000, 20_000
_u, _v, _s = document_updates, document_versions, seen_marks
_INSTANT = bindparam("instant", type_=INSTANT)
_ID = bindparam("id", type_=Uuid)
_AT = Statement(
    select(
        func.greatest(
            select(func.max(_u.c.position)).where(_u.c.document_id == _ID, _u.c.at <= _INSTANT).scalar_subquery(),
            select(func.max(_v.c.position)).where(_v.c.document_id == _ID, _v.c.created_at <= _INSTANT).scalar_subquery(),
        )
    )
)
_NEWEST = Statement(select(func.max(_v.c.position)).where(_v.c.document_id == _ID, _v.c.created_at <= _INSTANT))
_VISITED = Statement(select(_s.c.at).where(_s.c.user_id == bindparam("viewer", type_=Uuid), _s.c.subject_id == _ID))


@dataclass(frozen=True, slots=True)
class Written:
    """Characters `start` up to `end` of the plain text, by whom (None: nobody known), and when at the latest."""

    start: int
    end: int
    author_id: UUID | None
    edited_at: datetime


async def visited(states: States, database: Database, viewer: UUID, document_id: UUID) -> State:
    """What a document said when somebody last saw it; nothing, where he never did."""
    instant = await database.fetch_value(_VISITED, viewer=viewer, id=document_id)
    if instant is None:
        return State(document_id=document_id, position=0)
    position = await database.fetch_value(_AT, id=document_id, instant=instant) or 0
    try:
        (state,) = await states.of([document_id], at=position)
    except CursorExpired:  # single edits of that time are gone: the version before
        (state,) = await states.of([document_id], at=await database.fetch_value(_NEWEST, id=document_id, instant=instant) or 0)
    return state


async def compare(type_: DocumentType, old: State, new: State) -> Diff:
    """What changed between two states, as Markdown; of what came, by which client."""
    return await apart(_size(old) + _size(new), _compare, type_, old, new)


async def attribute(type_: DocumentType, state: State, log: UpdateLog, since: datetime) -> list[Written]:
    """Who wrote what stands in a text; `since` dates what is older than the document's versions tell."""
    spans = await apart(_size(state), _spans, type_, state)
    authors = await log.authors(state.document_id) if spans else {}
    edits = await _retained(log, state) if spans else []
    older = since if state.base is None else state.base.created_at
    times = await apart(sum(len(each.data) for each in edits), _times, edits)

    def written(span: attribution.Span) -> Written:
        known = times.get(span.client, ())
        at = next((at for first, end, at in known if first <= span.clock < end), older)
        return Written(span.start, span.end, authors.get(span.client), at)

    return _joined([written(each) for each in spans])


async def _retained(log: UpdateLog, state: State) -> list[LoggedUpdate]:
    """The newest edits that the log still has."""
    bounds = (await log.bounds([state.document_id])).get(state.document_id)
    if bounds is None:
        return []
    after = max(bounds.trimmed_to, state.position - _MOST)
    edits: list[LoggedUpdate] = []
    try:
        while after < state.position and (page := await log.read(state.document_id, after, _PAGE)):
            edits += page
            after = page[-1].position
    except CursorExpired:  # trimmed just now: what was read is what there is
        pass
    return edits


def _size(state: State) -> int:
    return len(state.snapshot or b"") + sum(map(len, state.updates))


def _compare(type_: DocumentType, old: State, new: State) -> Diff:
    before = kind.render(type_, crdt.load(old.snapshot, old.updates), ContentFormat.MARKDOWN)
    document = crdt.load(new.snapshot, new.updates)
    after = kind.render(type_, document, ContentFormat.MARKDOWN)
    spans = attribution.spans(type_, document)
    carried = attribution.carried(spans, kind.render(type_, document, ContentFormat.TEXT), after)
    return diff(before, after, attribution.author(carried))


def _spans(type_: DocumentType, state: State) -> Sequence[attribution.Span]:
    return attribution.spans(type_, crdt.load(state.snapshot, state.updates))


def _times(edits: Sequence[LoggedUpdate]) -> Mapping[int, Sequence[tuple[int, int, datetime]]]:
    """For each client the clocks (first, after the last) that came with an edit, and when."""
    times: dict[int, list[tuple[int, int, datetime]]] = {}
    for each in edits:
        for client, (first, end) in parse(each.data).adds.items():
            times.setdefault(client, []).append((first, end, each.at))
    return times


def _joined(written: Sequence[Written]) -> list[Written]:
    """Neighbours by one author made one: people are shown, not their sessions."""
    joined: list[Any] = []
    for each in written:
        last = joined[-1] if joined else None
        if last is not None and last.end == each.start and last.author_id == each.author_id:
            joined[-1] = Written(last.start, each.end, each.author_id, max(last.edited_at, each.edited_at))
        else:
            joined.append(each)
    return joined
