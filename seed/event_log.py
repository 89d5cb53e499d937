"""The event log of generated rows: entries as `persistence.events.streams.append` writes them, with positions assigned in
memory."""

from datetime import datetime

from domain.events import Entry, Event
from persistence.events.streams import to_entry
from seed.batch import StreamHead
from seed.ids import Ids


class SeedLog:
    """Assigns events their positions; record them in the order of time."""

    def __init__(self, ids: Ids) -> None:
        self.entries: list[Entry] = []
        self._ids = ids
        self._heads: dict[str, int] = {}

    def record(self, event: Event, at: datetime) -> None:
        """Record an event."""
        stream = event.stream
        position = self._heads[stream] = self.head(stream) + 1
        self.entries.append(to_entry(event, stream, position, at, None, id_=self._ids()))

    def head(self, stream: str) -> int:
        """The last position of a stream; 0 when it has no entries."""
        return self._heads.get(stream, 0)

    def heads(self) -> list[StreamHead]:
        """The last positions of all streams."""
        return [StreamHead(stream=stream, position=position) for stream, position in self._heads.items()]
