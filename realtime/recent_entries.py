"""Caches the newest entries of the streams that this process follows, within one bound for all of them.

Clients that return after a moment (5,000 whose connection broke, say) catch up from here and cost the database nothing.
"""

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson

from domain.events import Entry

MAX_RECENT_BYTES: Final = 32 * 1024 * 1024
_ENTRY_OVERHEAD_BYTES: Final = 1024
_VALUE_OVERHEAD_BYTES: Final = 72
"""Of an object and its place in a dict: most values are short strings, of which their letters are the smaller part."""
_DICT_OVERHEAD_BYTES: Final = 224
_UNKNOWN_PAYLOAD_BYTES: Final = 64 * 1024


def estimated_size(entry: Entry) -> int:
    """The bytes of memory that an entry takes up, rather too many than too few: its values are counted by commas."""
    try:
        payload = orjson.dumps(entry.payload, default=_to_json)
        values, dicts = payload.count(b","), payload.count(b"{") - 1
        return _ENTRY_OVERHEAD_BYTES + len(payload) + _VALUE_OVERHEAD_BYTES * values + _DICT_OVERHEAD_BYTES * dicts
    except TypeError:
        return _ENTRY_OVERHEAD_BYTES + _UNKNOWN_PAYLOAD_BYTES


def _to_json(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else str(value)


class RecentEntries:
    """The newest entries of all streams, at most `max_bytes` together; the oldest of any stream is dropped first."""

    def __init__(self, max_bytes: int = MAX_RECENT_BYTES) -> None:
        self._max_bytes = max_bytes
        self._total_bytes = 0
        self._append_order: deque[StreamBuffer] = deque()
        self._stale_count = 0

    def new_buffer(self) -> "StreamBuffer":
        """An empty buffer for the entries of one stream."""
        return StreamBuffer(self)

    def has_space_for(self, size: int) -> bool:
        return self._total_bytes + size <= self._max_bytes // 2

    def on_prepended(self, buffer: "StreamBuffer", size: int) -> None:
        self._append_order.appendleft(buffer)
        self._total_bytes += size

    def on_appended(self, buffer: "StreamBuffer", size: int) -> None:
        self._append_order.append(buffer)
        self._total_bytes += size
        while self._total_bytes > self._max_bytes:
            self._total_bytes -= self._append_order.popleft().drop_oldest()

    def on_cleared(self, count: int, size: int) -> None:
        self._total_bytes -= size
        self._stale_count += count
        # Only when most of the order is stale, since many streams may be closed at once.
        if self._stale_count * 2 > len(self._append_order):
            self._drop_stale()

    def _drop_stale(self) -> None:
        current: deque[StreamBuffer] = deque()
        found: Counter[StreamBuffer] = Counter()
        for buffer in reversed(self._append_order):
            if found[buffer] < len(buffer):
                found[buffer] += 1
                current.appendleft(buffer)
        self._append_order = current
        self._stale_count = 0


class StreamBuffer:
    """The newest entries of one stream, without gaps."""

    __slots__ = ("_entries", "_shared")

    def __init__(self, shared: RecentEntries) -> None:
        self._shared = shared
        self._entries: deque[tuple[Entry, int]] = deque()

    def __len__(self) -> int:
        return len(self._entries)

    def append(self, entry: Entry, size: int) -> None:
        """The next entry of the stream."""
        self._entries.append((entry, size))
        self._shared.on_appended(self, size)

    def prepend_page(self, page: Sequence[Entry], head: int) -> None:
        """Add entries that were read from the log, if they end where the buffer begins, or at `head` if it is empty.

        They take up half of the bound at most: whoever reads a long log must not push out what everybody needs.
        """
        wanted = self._entries[0][0].position - 1 if self._entries else head
        for entry in reversed(page):
            if entry.position > wanted:
                continue
            size = estimated_size(entry)
            if entry.position < wanted or not self._shared.has_space_for(size):
                return
            self._entries.appendleft((entry, size))
            self._shared.on_prepended(self, size)
            wanted -= 1

    def after(self, position: int, limit: int) -> Sequence[Entry]:
        """The entries that follow a position, at most `limit`; none if the next one is not in the buffer."""
        if not self._entries or not self._entries[0][0].position <= position + 1 <= self._entries[-1][0].position:
            return ()
        start = position + 1 - self._entries[0][0].position
        return [self._entries[index][0] for index in range(start, min(start + limit, len(self._entries)))]

    def clear(self) -> None:
        """Drop all entries of this stream."""
        count, size = len(self._entries), sum(size for _, size in self._entries)
        self._entries.clear()
        self._shared.on_cleared(count, size)

    def drop_oldest(self) -> int:
        return self._entries.popleft()[1] if self._entries else 0
