"""Writes the entries of objects into the search index, in the transaction that changes the objects.

So whoever has saved a task finds it at once, and nothing has to catch up. Which objects an operation changed is read from the
events that it recorded: an operation that changes no text writes nothing here, and needs no transaction for it. The text of a
document is that of its newest version, which is saved when somebody asks for it, or when the document has been quiet
(`persistence.documents.versions`); its title is indexed at once.

Rights, deletions, assignees and the like are not in the index: the statement that searches reads them from the objects
themselves.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ARRAY, Boolean, Text, Uuid, bindparam, cast, column, func, literal_column, select
from sqlalchemy.dialects.postgresql import TSVECTOR, insert

from domain.events import ChangeKind, FieldChange
from domain.search.entry import SearchEntry, entry_of, place
from persistence.access import any_id
from persistence.engine.database import Connection
from persistence.engine.rows import recordset
from persistence.engine.statement import Statement
from persistence.search.vectors import vector
from persistence.tables import INSTANT, documents, search_entries, search_queue

_MAX_INLINE_CHARS: Final = 10_000  # a few milliseconds
_INDEXED_FIELDS: Final[Mapping[str, frozenset[str]]] = {
    "Task": frozenset({"title", "description", "key", "project_id"}),
    "Document": frozenset({"title", "latest_version_id", "project_id"}),
    "Comment": frozenset({"body"}),
    "Project": frozenset({"name", "description"}),
    "User": frozenset({"first_name", "last_name", "email_address"}),
    "Team": frozenset({"name"}),
}
_NAMES: Final = frozenset({"User", "Team"})  # found without an entry; only their words are learned
_CREATED: Final = frozenset({ChangeKind.CREATED, ChangeKind.COMMENTED})
_CHANGED: Final = frozenset({ChangeKind.UPDATED, ChangeKind.MOVED})

_e, _q = search_entries, search_queue
_given = recordset(
    "rows",
    "given",
    column("id", Uuid),
    column("type", Text),
    column("project_id", Uuid),
    column("place", Text),
    column("subject_id", Uuid),
    column("title_key", Text),
    column("tokens", Text),
    column("text_at", INSTANT),
)
_put = insert(_e).from_select(
    ["id", "type", "project_id", "place", "subject_id", "title_key", "tokens", "text_at"],
    select(
        _given.c.id,
        _given.c.type,
        _given.c.project_id,
        _given.c.place,
        _given.c.subject_id,
        _given.c.title_key,
        cast(_given.c.tokens, TSVECTOR),
        _given.c.text_at,
    ).order_by(_given.c.id),
)
_PUT = Statement(
    _put.on_conflict_do_update(
        index_elements=[_e.c.id],
        set_={name: _put.excluded[name] for name in ("project_id", "place", "subject_id", "title_key", "tokens", "text_at")},
    )
)
_enqueue = insert(_q).from_select(
    ["type", "id", "is_indexed"],
    select(
        func.unnest(bindparam("types", type_=ARRAY(Text))),
        func.unnest(bindparam("ids", type_=ARRAY(Uuid))),
        bindparam("is_indexed", type_=Boolean),
    ),
)
_ENQUEUE_INDEXED = Statement(_enqueue.on_conflict_do_nothing())
_ENQUEUE_OUTDATED = Statement(
    _enqueue.on_conflict_do_update(index_elements=[_q.c.type, _q.c.id], set_={"is_indexed": literal_column("false")})
)
_project = bindparam("project", type_=Uuid)
_MOVE_COMMENTS = Statement(
    _e.update()
    .where(_e.c.subject_id == bindparam("subject", type_=Uuid))
    .values(project_id=_project, place=_e.c.type + literal_column("':'") + cast(_project, Text))
)
_REMOVE = Statement(_e.delete().where(_e.c.id == any_id()))
_WORDS = Statement(select(documents.c.id, documents.c.words).where(documents.c.id == any_id()))


class IndexChanges:
    """What events have changed of the index."""

    def __init__(self) -> None:
        self.entries: dict[UUID, SearchEntry] = {}
        self.names: set[tuple[str, UUID]] = set()
        self.moved: dict[UUID, UUID] = {}
        self.removed: set[UUID] = set()

    def __bool__(self) -> bool:
        return bool(self.entries or self.names or self.moved or self.removed)

    def add(self, event_row: Mapping[str, Any], event: Any) -> None:
        """Take up an event, given with its row of the log."""
        kind, type_name = event_row["kind"], event_row["entity_type"]
        if kind is ChangeKind.ATTACHED:
            for file in event.added:
                if event.project_id is not None:
                    self.entries[file.id] = entry_of(file, project_id=event.project_id)
            self.removed.update(file.id for file in event.removed)
            return
        fields = _INDEXED_FIELDS.get(type_name)
        if fields is None or not (kind in _CREATED or kind in _CHANGED):
            return
        changed = _changed_fields(event_row["payload"]["changes"])
        if kind in _CHANGED and not fields & changed:
            return
        entity = event.entity
        if type_name in _NAMES:
            self.names.add((type_name, entity.id))
            return
        self.entries[entity.id] = entry_of(entity)
        if type_name in ("Task", "Document") and "project_id" in changed:
            self.moved[entity.id] = entity.project_id


def _changed_fields(changes: Iterable[FieldChange]) -> frozenset[str]:
    return frozenset(each.field for each in changes)


async def write_changes(connection: Connection, changes: IndexChanges) -> None:
    """Write what has changed, in the transaction."""
    written = [each for id_, each in changes.entries.items() if id_ not in changes.removed]
    bodies = [each.id for each in written if each.type_name == "Document"]
    if bodies:
        texts = {row["id"]: row["words"] for row in await connection.fetch(_WORDS, ids=bodies)}
        written = [replace(each, text=texts.get(each.id, "")) if each.id in texts else each for each in written]
    await put(connection, written)
    for subject_id in sorted(changes.moved):
        await connection.execute(_MOVE_COMMENTS, subject=subject_id, project=changes.moved[subject_id])
    if changes.removed:
        await connection.execute(_REMOVE, ids=list(changes.removed))
    learned = [*((each.type_name, each.id) for each in written), *changes.names]
    await enqueue(connection, learned, is_indexed=True)


async def put(connection: Connection, entries: Sequence[SearchEntry]) -> None:
    """Insert or replace entries. The words of long texts are found in a thread."""
    if not entries:
        return
    is_long = sum(len(each.text) for each in entries) > _MAX_INLINE_CHARS
    rows = await asyncio.to_thread(_to_rows, entries) if is_long else _to_rows(entries)
    await connection.execute(_PUT, rows=rows)


async def enqueue(connection: Connection, objects: Sequence[tuple[str, UUID]], *, is_indexed: bool) -> None:
    """Let the words of objects be learned later, and unless `is_indexed` their entries be written."""
    if objects:
        types, ids = zip(*sorted(objects), strict=True)
        statement = _ENQUEUE_INDEXED if is_indexed else _ENQUEUE_OUTDATED
        await connection.execute(statement, types=list(types), ids=list(ids), is_indexed=is_indexed)


async def remove(connection: Connection, entry_ids: Sequence[UUID]) -> None:
    """Delete entries."""
    await connection.execute(_REMOVE, ids=list(entry_ids))


def _to_rows(entries: Sequence[SearchEntry]) -> list[dict[str, Any]]:
    return [
        {
            "id": each.id,
            "type": each.type_name,
            "project_id": each.project_id,
            "place": place(each.type_name, each.project_id),
            "subject_id": each.subject_id,
            "title_key": each.title_key,
            "tokens": vector(each),
            "text_at": each.at,
        }
        for each in entries
    ]
