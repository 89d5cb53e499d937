"""Writes the entries of objects into the search index, in the transaction that changes the objects.

So whoever has saved a task finds it at once, and nothing has to catch up. Which objects an operation changed is read from the
events that it recorded: an operation that changes no text writes nothing here. Where one row is all that it changed, its entry is
written by the same statement (`persistence.row_updates`). The text of a
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

from sqlalchemy import Text, Uuid, bindparam, cast, literal_column, select

from domain.events import ChangeKind, FieldChange
from domain.search.entry import SearchEntry, entry_of, plain
from domain.search.tokens import side_words, words
from domain.search.typo import is_correctable
from persistence.access import any_id
from persistence.engine.database import Connection
from persistence.engine.statement import Statement
from persistence.search.index_statements import ENQUEUE_INDEXED, ENQUEUE_OUTDATED, PUT, entry_row
from persistence.tables import documents, search_entries

_MAX_INLINE_CHARS: Final = 10_000  # of ASCII, a few milliseconds
_FOLDED_COST: Final = 8  # of a character that is none of ASCII, and may be folded into many
_MAX_PUT_CHARS: Final = 500_000
_MAX_COMPARED_CHARS: Final = 2_000  # 0.1 ms
MAX_PUT_ENTRIES: Final = 1_000
"""More of one operation are indexed soon after it: 5,000 would take a third of its time."""
INDEXED_FIELDS: Final[Mapping[str, frozenset[str]]] = {
    "Task": frozenset({"title", "description", "key", "project_id"}),
    "Document": frozenset({"title", "latest_version_id", "project_id"}),
    "Comment": frozenset({"body"}),
    "Project": frozenset({"name", "description"}),
    "User": frozenset({"first_name", "last_name", "email_address"}),
    "Team": frozenset({"name"}),
}
"""Attributes by which objects are found, by the type."""
_TEXTS: Final = frozenset({"title", "description", "key", "name", "body"})
_NAMES: Final = frozenset({"User", "Team"})  # found without an entry; only their words are learned
_CREATED: Final = frozenset({ChangeKind.CREATED, ChangeKind.COMMENTED})
_CHANGED: Final = frozenset({ChangeKind.UPDATED, ChangeKind.MOVED})

_e = search_entries
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
        self._new_words: set[UUID] = set()
        """Objects of these that may have words which they did not have before."""
        self.names: set[tuple[str, UUID]] = set()
        self.moved: dict[UUID, UUID] = {}
        self.removed: set[UUID] = set()

    def __bool__(self) -> bool:
        return bool(self.entries or self.names or self.moved or self.removed)

    @property
    def learned(self) -> list[tuple[str, UUID]]:
        """The objects whose words may be new."""
        entries = self.entries.items()
        return [
            *((each.type_name, id_) for id_, each in entries if id_ in self._new_words and id_ not in self.removed),
            *self.names,
        ]

    @property
    def only_id(self) -> UUID | None:
        """The row that all of them are about, where there is one; what is written of it needs nothing else."""
        ids = {*self.entries, *(id_ for _, id_ in self.names)}
        return ids.pop() if len(ids) == 1 and not self.moved and not self.removed else None

    def add(self, event_row: Mapping[str, Any], event: Any) -> None:
        """Take up an event, given with its row of the log."""
        kind, type_name = event_row["kind"], event_row["entity_type"]
        if kind is ChangeKind.ATTACHED:
            for file in event.added:
                if event.project_id is not None:
                    self.entries[file.id] = entry_of(file, project_id=event.project_id)
                    self._new_words.add(file.id)
            self.removed.update(file.id for file in event.removed)
            return
        fields = INDEXED_FIELDS.get(type_name)
        if fields is None or not (kind in _CREATED or kind in _CHANGED):
            return
        changes = event_row["payload"]["changes"]
        changed = _changed_fields(changes)
        if kind in _CHANGED and not fields & changed:
            return
        entity = event.entity
        if type_name in _NAMES:
            self.names.add((type_name, entity.id))
            return
        self.entries[entity.id] = entry_of(entity)
        if kind in _CREATED or any(each.field in fields and _has_new_words(each) for each in changes):
            self._new_words.add(entity.id)
        if type_name in ("Task", "Document") and "project_id" in changed:
            self.moved[entity.id] = entity.project_id


def _changed_fields(changes: Iterable[FieldChange]) -> frozenset[str]:
    return frozenset(each.field for each in changes)


def _has_new_words(change: FieldChange) -> bool:
    """Whether there may be words that were not there before, and that could be corrections; true where the texts are long, or
    elsewhere."""
    if change.field == "project_id":
        return False
    before, after = change.before or "", change.after or ""
    if change.field not in _TEXTS or len(before) + len(after) > _MAX_COMPARED_CHARS:
        return True
    # No word goes beyond a blank, so new ones stand in what is new between blanks: most often a few letters.
    new = [word for word in _words(" ".join({*after.split()}.difference(before.split()))) if is_correctable(word)]
    return bool(new) and not _words(before).issuperset(new)


def _words(text: str) -> set[str]:
    text = plain(text)
    return {*words(text), *side_words(text)}


async def write_changes(connection: Connection, changes: IndexChanges) -> None:
    """Write what has changed, in the transaction."""
    written = [each for id_, each in changes.entries.items() if id_ not in changes.removed]
    is_indexed = len(written) <= MAX_PUT_ENTRIES
    bodies = [each.id for each in written if each.type_name == "Document"] if is_indexed else []
    if bodies:
        texts = {row["id"]: row["words"] for row in await connection.fetch(_WORDS, ids=bodies)}
        written = [replace(each, text=texts.get(each.id, "")) if each.id in texts else each for each in written]
    if is_indexed:
        await put(connection, written)
    for subject_id in sorted(changes.moved):
        await connection.execute(_MOVE_COMMENTS, subject=subject_id, project=changes.moved[subject_id])
    if changes.removed:
        await connection.execute(_REMOVE, ids=list(changes.removed))
    await enqueue(connection, changes.learned, is_indexed=is_indexed)


async def to_params(changes: IndexChanges) -> dict[str, list[dict[str, Any]]]:
    """What has changed as parameters of `persistence.search.index_statements.index_ctes`."""
    return {"entries": await _entry_rows(list(changes.entries.values())), "queued": _queue_rows(changes.learned)}


async def put(connection: Connection, entries: Sequence[SearchEntry]) -> None:
    """Insert or replace entries; long texts a few at a time, so that no statement takes long."""
    some: list[SearchEntry] = []
    size = 0
    for each in entries:
        if some and size + len(each.text) > _MAX_PUT_CHARS:
            await connection.execute(PUT, entries=await _entry_rows(some))
            some, size = [], 0
        some.append(each)
        size += len(each.text)
    if some:
        await connection.execute(PUT, entries=await _entry_rows(some))


async def enqueue(connection: Connection, objects: Iterable[tuple[str, UUID]], *, is_indexed: bool) -> None:
    """Let the words of objects be learned later, and unless `is_indexed` their entries be written."""
    rows = _queue_rows(objects)
    if rows:
        await connection.execute(ENQUEUE_INDEXED if is_indexed else ENQUEUE_OUTDATED, queued=rows)


async def remove(connection: Connection, entry_ids: Sequence[UUID]) -> None:
    """Delete entries."""
    await connection.execute(_REMOVE, ids=list(entry_ids))


async def _entry_rows(entries: Sequence[SearchEntry]) -> list[dict[str, Any]]:
    """Entries as parameters; the words of long texts are found in a thread."""
    if sum(len(each.text) * (1 if each.text.isascii() else _FOLDED_COST) for each in entries) > _MAX_INLINE_CHARS:
        return await asyncio.to_thread(lambda: list(map(entry_row, entries)))
    return list(map(entry_row, entries))


def _queue_rows(objects: Iterable[tuple[str, UUID]]) -> list[dict[str, Any]]:
    return [{"type": type_name, "id": id_} for type_name, id_ in sorted(set(objects))]
