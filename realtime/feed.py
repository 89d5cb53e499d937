"""A feed is one stream as this process hears it: announcements in, whole and in order out.

It knows the position up to which everything was handed on. What comes twice is dropped; what comes too early waits, and
the feed is `behind` until the hub has filled the gap from the log. Nothing here waits for anything, so a cursor that is
as far as its feed can go live without missing or repeating an entry.
"""

import asyncio
from typing import Final, Protocol

from domain.events import Entry
from realtime.recent_entries import Recent, weight

EARLY: Final = 256
UNKNOWN: Final = -1


class Follower(Protocol):
    """Where a feed hands its entries to."""

    def offer(self, entry: Entry, size: int, *, filling: bool) -> None:
        """The next entry of the stream; `filling` when it comes in a burst that the log, not somebody's work, made."""
        ...

    def expire(self) -> None:
        """What follows on the last entry is gone."""
        ...


class Feed:
    """One stream, while somebody in this process follows it and a little longer."""

    def __init__(self, stream: str, recent: Recent, *, now: float) -> None:
        self.stream = stream
        self.recent = recent.of()
        self.position = UNKNOWN
        self.followers: set[Follower] = set()
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.holds = 0
        self.idle_since = now
        self.filling = False
        self.one_reads = asyncio.Lock()
        self._seen = UNKNOWN
        self._early: dict[int, Entry] = {}

    @property
    def open(self) -> bool:
        """Whether the position is known."""
        return self.position != UNKNOWN

    @property
    def behind(self) -> bool:
        """Whether there are entries that have not been handed on."""
        return self.open and self._seen > self.position

    def begin(self, head: int) -> None:
        """The stream's head, read after the feed began to hear: hand on from there."""
        self.position = head
        self._release_early()

    def expect(self, position: int) -> None:
        """The stream is said to have come this far."""
        self._seen = max(self._seen, position)

    def take(self, entry: Entry, *, filling: bool = False) -> None:
        """An entry that was announced or read: hand it on when it is the next, and those that waited for it."""
        if self.open and entry.position <= self.position:
            return
        if self.open and entry.position == self.position + 1:
            self._hand_on(entry, filling=filling)
            self._release_early()
            return
        self.expect(entry.position)
        if len(self._early) < EARLY:
            self._early[entry.position] = entry

    def know(self, first: int, last: int) -> None:
        """The entries from `first` to `last` need not be handed on, if they are the next: the followers have them."""
        if self.open and self.position + 1 == first:
            self.recent.forget()
            self.position = last
            self._release_early()

    def give_up(self) -> None:
        """What is said to be there is not in the log: forget it."""
        self._seen = self.position
        self._early.clear()

    def restart(self, head: int) -> None:
        """The log no longer reaches back to the position: go on from `head`, and tell those whose entries are gone."""
        self.recent.forget()
        self._early.clear()
        self._seen = self.position = head
        for follower in tuple(self.followers):
            follower.expire()

    def _release_early(self) -> None:
        for position in [early for early in self._early if early <= self.position]:
            del self._early[position]
        while entry := self._early.pop(self.position + 1, None):
            self._hand_on(entry, filling=True)

    def _hand_on(self, entry: Entry, *, filling: bool) -> None:
        self.position = entry.position
        size = weight(entry)
        self.recent.keep(entry, size)
        for follower in tuple(self.followers):
            follower.offer(entry, size, filling=filling)
