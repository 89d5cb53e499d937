"""Reads from entries of the log which objects OpenSearch has to index again."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from sqlalchemy import Text, literal_column, select, union_all

from domain.events import ChangeKind, Entry
from persistence.access import any_id
from persistence.engine.database import Connection
from persistence.engine.statement import Statement
from persistence.search.index_writes import INDEXED_FIELDS
from persistence.search.opensearch.indices import KIND_OF
from persistence.tables import comments, search_entries

_WHOLE: Final = frozenset({ChangeKind.CREATED, ChangeKind.COMMENTED, ChangeKind.DELETED, ChangeKind.RESTORED})
_GONE_OR_BACK: Final = frozenset({ChangeKind.DELETED, ChangeKind.RESTORED})
_BELONGING = Statement(
    union_all(
        select(search_entries.c.type, search_entries.c.id).where(search_entries.c.subject_id == any_id("moved")),
        select(literal_column("'Comment'", Text).label("type"), comments.c.id).where(comments.c.parent_id == any_id("threads")),
    )
)


@dataclass(frozen=True, slots=True)
class ChangedObjects:
    """Objects whose entries have changed; tasks and documents that went to another project, with which goes what is on them;
    and comments that were deleted, with their replies."""

    objects: set[tuple[str, UUID]] = field(default_factory=set)
    moved: set[UUID] = field(default_factory=set)
    threads: set[UUID] = field(default_factory=set)

    def add(self, entry: Entry) -> None:
        """Take up an event."""
        changes = entry.payload.get("changes", ())
        if entry.kind == ChangeKind.ATTACHED:
            for change in changes:
                held = change.get("after") or change.get("before") or {}
                if "attachmentId" in held:
                    self.objects.add(("Attachment", UUID(held["attachmentId"])))
            return
        if entry.entity_type not in KIND_OF:
            return
        fields = {each["field"] for each in changes}
        if entry.kind not in _WHOLE and fields.isdisjoint(INDEXED_FIELDS[entry.entity_type]):
            return
        self.objects.add((entry.entity_type, entry.entity_id))
        if "project_id" in fields:
            self.moved.add(entry.entity_id)
        if entry.entity_type == "Comment" and entry.kind in _GONE_OR_BACK:
            self.threads.add(entry.entity_id)


async def changed_objects(connection: Connection, entries: Iterable[Entry]) -> Mapping[str, set[UUID]]:
    """The objects to index after some entries, by their types."""
    changed = ChangedObjects()
    for entry in entries:
        changed.add(entry)
    found = changed.objects
    if changed.moved or changed.threads:
        rows = await connection.fetch(_BELONGING, moved=list(changed.moved), threads=list(changed.threads))
        found |= {(row["type"], row["id"]) for row in rows}
    by_type: dict[str, set[UUID]] = {}
    for type_name, id_ in found:
        by_type.setdefault(type_name, set()).add(id_)
    return by_type
