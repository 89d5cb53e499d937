"""The event log of made-up rows: entries as `persistence.events.streams.append` writes them, with places given in memory."""

from datetime import datetime

from domain.events import Entry, Event
from persistence.events.streams import to_entry
from seed.copy_rows import StreamHead
from seed.ids import Ids


class SeedLog:
    """Gives events their places; to be told of them in the order in which they happened."""

    def __init__(self, ids: Ids) -> None:
        self.entries: list[Entry] = []
        self._ids = ids
        self._heads: dict[str, int] = {}

    def record(self, event: Event, at: datetime) -> None:
        """Tell of a fact."""
        stream = event.stream
        position = self._heads[stream] = self.head(stream) + 1
        self.entries.append(to_entry(event, stream, position, at, None, id_=self._ids()))

    def head(self, stream: str) -> int:
        """The last position of a stream; 0 when nothing was told in it."""
        return self._heads.get(stream, 0)

    def heads(self) -> list[StreamHead]:
        """The last positions of all streams."""
        return [StreamHead(stream=stream, position=position) for stream, position in self._heads.items()]
