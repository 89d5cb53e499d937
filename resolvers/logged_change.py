"""Defines what the graph shows as a Change: an entry of the log, and where its viewer has come to with it."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from domain.events import Entry


@dataclass(frozen=True, slots=True)
class Change:
    """An entry, with the positions in all streams that its viewer has reached with it."""

    type_name = "Change"

    entry: Entry
    positions: Mapping[str, int]
    cursor_placeholder: str | None = None
    """The placeholder of the cursor in a payload for many subscribers, each with a cursor of their own; None for a single one."""

    @property
    def id(self) -> UUID:
        """The id of the entry."""
        return self.entry.id
