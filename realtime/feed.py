"""A feed turns the announcements of one stream into its entries: complete and in order.

It knows the position up to which everything was delivered. What arrives twice is dropped; what arrives too early waits, and the
feed has a gap until the hub has filled it from the log. Nothing here awaits, so a cursor that is as far as its feed can go live
without missing or repeating an entry.
"""

import asyncio
from typing import Final, Protocol

from domain.events import Entry
from realtime.recent_entries import RecentEntries, estimated_size

MAX_OUT_OF_ORDER_ENTRIES: Final = 256
MAX_OUT_OF_ORDER_BYTES: Final = 1024 * 1024
UNKNOWN_POSITION: Final = -1


class Follower(Protocol):
    """Receives the entries of a feed."""

    def offer(self, entry: Entry, size: int, *, is_backfill: bool) -> None:
        """The next entry of the stream; `is_backfill` when it is one of many that were read from the log."""
        ...

    def expire(self) -> None:
        """The entries after the last one are gone from the log."""
        ...


class StreamFeed:
    """One stream, as long as it is followed in this process, and a little longer."""

    def __init__(self, stream: str, recent: RecentEntries, *, now: float) -> None:
        self.stream = stream
        self.buffer = recent.new_buffer()
        self.position = UNKNOWN_POSITION
        self.followers: set[Follower] = set()
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.reference_count = 0
        self.idle_since = now
        self.is_filling = False
        self.read_lock = asyncio.Lock()
        self._known_head = UNKNOWN_POSITION
        self._out_of_order: dict[int, tuple[Entry, int]] = {}
        self._out_of_order_bytes = 0

    @property
    def is_open(self) -> bool:
        """Whether the position is known."""
        return self.position != UNKNOWN_POSITION

    @property
    def has_gap(self) -> bool:
        """Whether there are entries that have not been delivered."""
        return self.is_open and self._known_head > self.position

    def start_at(self, head: int) -> None:
        """Deliver from the stream's head on, which was read after the subscription was confirmed."""
        self.position = head
        self._deliver_consecutive()

    def observe_head(self, position: int) -> None:
        """The stream is said to have this position."""
        self._known_head = max(self._known_head, position)

    def receive(self, entry: Entry, *, is_backfill: bool = False) -> None:
        """An entry that was announced or read: deliver it when it is the next, and those that waited for it."""
        if self.is_open and entry.position <= self.position:
            return
        if self.is_open and entry.position == self.position + 1:
            self._deliver(entry, is_backfill=is_backfill)
            self._deliver_consecutive()
            return
        self.observe_head(entry.position)
        if len(self._out_of_order) >= MAX_OUT_OF_ORDER_ENTRIES or entry.position in self._out_of_order:
            return
        size = estimated_size(entry)
        if self._out_of_order_bytes + size <= MAX_OUT_OF_ORDER_BYTES:  # else it is read from the log
            self._out_of_order[entry.position] = entry, size
            self._out_of_order_bytes += size

    def mark_delivered(self, first: int, last: int) -> None:
        """The entries from `first` to `last` need not be delivered, if they are the next: the followers have them."""
        if self.is_open and self.position + 1 == first:
            self.buffer.clear()
            self.position = last
            self._deliver_consecutive()

    def discard_gap(self) -> None:
        """Give up a gap whose entries are not in the log."""
        self._known_head = self.position
        self._drop_out_of_order()

    def restart(self, head: int) -> None:
        """The log no longer reaches back to the position: go on from `head`, and expire the followers."""
        self.buffer.clear()
        self._drop_out_of_order()
        self._known_head = self.position = head
        for follower in tuple(self.followers):
            follower.expire()

    def _deliver_consecutive(self) -> None:
        for position in [early for early in self._out_of_order if early <= self.position]:
            self._take_out_of_order(position)
        while entry := self._take_out_of_order(self.position + 1):
            self._deliver(entry, is_backfill=True)

    def _take_out_of_order(self, position: int) -> Entry | None:
        entry, size = self._out_of_order.pop(position, (None, 0))
        self._out_of_order_bytes -= size
        return entry

    def _drop_out_of_order(self) -> None:
        self._out_of_order.clear()
        self._out_of_order_bytes = 0

    def _deliver(self, entry: Entry, *, is_backfill: bool) -> None:
        self.position = entry.position
        size = estimated_size(entry)
        self.buffer.append(entry, size)
        for follower in tuple(self.followers):
            follower.offer(entry, size, is_backfill=is_backfill)
