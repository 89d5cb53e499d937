"""Reads all streams alike: the events of teams and users, and the edits of documents."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from domain.document.update import LoggedUpdate, document_stream, to_entry
from domain.events import Entry
from persistence.engine.rows import to_entity
from persistence.events.document_log import UpdateLog
from persistence.events.streams import StreamLog

_PREFIX = document_stream(UUID(int=0)).partition(":")[0] + ":"


class CombinedLog:
    """The log of every kind of stream."""

    def __init__(self, events: StreamLog, updates: UpdateLog) -> None:
        self._events = events
        self._updates = updates

    async def read(self, stream: str, after: int, limit: int) -> Sequence[Entry]:
        """Up to `limit` entries of a stream that come after a position, in order. Raises CursorExpired."""
        if not stream.startswith(_PREFIX):
            return await self._events.read(stream, after, limit)
        rows = await self._updates.read(UUID(stream[len(_PREFIX) :]), after, limit)
        return [to_entry(to_entity(LoggedUpdate, row)) for row in rows]

    async def heads(self, names: Sequence[str]) -> Mapping[str, int]:
        """The last positions of many streams; those without entries may be missing."""
        documents = {UUID(each[len(_PREFIX) :]): each for each in names if each.startswith(_PREFIX)}
        others = [each for each in names if not each.startswith(_PREFIX)]
        found = dict(await self._events.heads(others)) if others else {}
        if documents:
            found |= {documents[each]: bounds.head for each, bounds in (await self._updates.bounds(list(documents))).items()}
        return found
