"""The newest entries of the streams that this process hears, kept within one bound.

Who comes back after a moment (5,000 clients whose connection broke, say) catches up from here and costs the database
nothing.
"""

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson

from domain.events import Entry

RECENT_BYTES: Final = 32 * 1024 * 1024
_ROW: Final = 512
_LARGE: Final = 64 * 1024


def weight(entry: Entry) -> int:
    """About how many bytes an entry takes up."""
    try:
        return _ROW + len(orjson.dumps(entry.payload, default=_plain))
    except TypeError:
        return _ROW + _LARGE


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else str(value)


class Recent:
    """The newest entries of all streams, at most `limit` bytes together; the oldest of any stream goes first."""

    def __init__(self, limit: int = RECENT_BYTES) -> None:
        self._limit = limit
        self._size = 0
        self._order: deque[RecentOf] = deque()
        self._outdated = 0

    def of(self) -> "RecentOf":
        """A place for the entries of one stream."""
        return RecentOf(self)

    def has_room(self, size: int) -> bool:
        return self._size + size <= self._limit // 2

    def kept_older(self, place: "RecentOf", size: int) -> None:
        self._order.appendleft(place)
        self._size += size

    def kept(self, place: "RecentOf", size: int) -> None:
        self._order.append(place)
        self._size += size
        while self._size > self._limit:
            self._size -= self._order.popleft().drop_oldest()

    def forgotten(self, count: int, size: int) -> None:
        self._size -= size
        self._outdated += count
        # Swept only when it is most of the order: many streams may end at once.
        if self._outdated * 2 > len(self._order):
            self._sweep()

    def _sweep(self) -> None:
        kept: deque[RecentOf] = deque()
        found: Counter[RecentOf] = Counter()
        for place in reversed(self._order):
            if found[place] < len(place):
                found[place] += 1
                kept.appendleft(place)
        self._order = kept
        self._outdated = 0


class RecentOf:
    """The newest entries of one stream, without gaps."""

    __slots__ = ("_all", "_entries")

    def __init__(self, everything: Recent) -> None:
        self._all = everything
        self._entries: deque[tuple[Entry, int]] = deque()

    def __len__(self) -> int:
        return len(self._entries)

    def keep(self, entry: Entry, size: int) -> None:
        """The next entry of the stream."""
        self._entries.append((entry, size))
        self._all.kept(self, size)

    def keep_older(self, page: Sequence[Entry], head: int) -> None:
        """What was read of the stream, as far as it ends where that which is here begins, or at `head`.

        It takes up half of the bound at most: who reads a long log must not push out what everybody needs.
        """
        wanted = self._entries[0][0].position - 1 if self._entries else head
        for entry in reversed(page):
            if entry.position > wanted:
                continue
            size = weight(entry)
            if entry.position < wanted or not self._all.has_room(size):
                return
            self._entries.appendleft((entry, size))
            self._all.kept_older(self, size)
            wanted -= 1

    def after(self, position: int, limit: int) -> Sequence[Entry]:
        """The entries that follow a position, at most `limit`; none when what follows it is no longer here."""
        if not self._entries or not self._entries[0][0].position <= position + 1 <= self._entries[-1][0].position:
            return ()
        start = position + 1 - self._entries[0][0].position
        return [self._entries[index][0] for index in range(start, min(start + limit, len(self._entries)))]

    def forget(self) -> None:
        """Keep nothing of this stream."""
        count, size = len(self._entries), sum(size for _, size in self._entries)
        self._entries.clear()
        self._all.forgotten(count, size)

    def drop_oldest(self) -> int:
        return self._entries.popleft()[1] if self._entries else 0
