"""Reads the log for undoing: one entry, and what else the mutation that caused it did."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from domain.events import Entry


class ChangeLog(Protocol):
    """Reads entries that a person may see now, those about deleted projects included."""

    async def entry(self, entry_id: UUID, viewer: UUID) -> Entry | None: ...
    async def same_call(self, entry: Entry, viewer: UUID, limit: int) -> Sequence[Entry]:
        """All that the mutation did that caused the entry, in order; more than `limit` are cut off after one more."""
        ...


@dataclass(frozen=True, slots=True)
class Call:
    """All that one mutation did, as far as whoever undoes it may see it, in order."""

    entries: Sequence[Entry]

    def of_types(self, *types: str) -> Sequence[Entry]:
        """Its entries of these types of events."""
        return [each for each in self.entries if each.type in types]

    def ids_of(self, *types: str) -> frozenset[UUID]:
        """The objects of its entries of these types."""
        return frozenset(each.entity_id for each in self.of_types(*types))

    def about(self, entity_id: UUID, *types: str) -> Entry | None:
        """Its first entry of these types about an object."""
        return next((each for each in self.of_types(*types) if each.entity_id == entity_id), None)


def changed_fields(entry: Entry) -> dict[str, dict[str, Any]]:
    """The changes of an entry by the attribute's name: `field`, `before`, `after`."""
    return {each["field"]: each for each in entry.payload["changes"]}


def parent_of(entry: Entry) -> UUID | None:
    """What the object lay under after the entry, or hung on."""
    parent = entry.payload["entity"].get("parent_id")
    return None if parent is None else UUID(parent)
