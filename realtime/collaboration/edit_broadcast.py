"""Sends edits that were committed to everybody in a room, in order, and in a crowd several commits together.

An edit is acknowledged when it is durable, and sent on as soon as the last ones were sent long enough ago: writing to everybody
may take `MAX_LOOP_SHARE` of the event loop. With 50 people that is less than the time between two commits, so nothing waits; with
200 an edit reaches the others after some 30 ms, with those of other commits, and more share a write where the machine is busy.

Rejected: a longer window of commits in crowds (acknowledgements would come later too).
"""

import asyncio
from collections.abc import Sequence
from operator import methodcaller
from typing import Final

from domain.document.update import LoggedUpdate
from realtime.collaboration.broadcast import Broadcast
from realtime.collaboration.update_batch import UpdateBatch
from transport.write_batch import WriteBatch

MAX_LOOP_SHARE: Final = 1 / 16
"""Of the event loop, for writing the edits of one room."""
MAX_PAUSE_SECONDS: Final = 0.05
MAX_WAITING_UPDATES: Final = 500
MAX_WAITING_BYTES: Final = 256 * 1024


class EditBroadcast:
    """The edits of one room that were committed and not sent yet: at most `MAX_WAITING_UPDATES` and `MAX_WAITING_BYTES` and what
    one commit adds."""

    __slots__ = ("_broadcast", "_next_at", "_timer", "_waiting", "_waiting_bytes", "_write_batch")

    def __init__(self, broadcast: Broadcast, write_batch: WriteBatch) -> None:
        self._broadcast = broadcast
        self._write_batch = write_batch
        self._waiting: list[LoggedUpdate] = []
        self._waiting_bytes = 0
        self._next_at = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def add(self, updates: Sequence[LoggedUpdate]) -> None:
        """Send the next edits, now or with others when the pause is over."""
        self._waiting += updates
        self._waiting_bytes += sum(len(each.data) for each in updates)
        loop = asyncio.get_running_loop()
        is_full = len(self._waiting) >= MAX_WAITING_UPDATES or self._waiting_bytes >= MAX_WAITING_BYTES
        if is_full or loop.time() >= self._next_at:
            self.flush()
        elif self._timer is None:
            self._timer = loop.call_at(self._next_at, self.flush)

    def flush(self) -> None:
        """Send what waits."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._waiting:
            return
        batch, self._waiting, self._waiting_bytes = UpdateBatch(self._waiting), [], 0
        with self._write_batch:
            self._broadcast.send(methodcaller("on_updates", batch), batch.approximate_bytes)
        pause = len(self._broadcast.participants) * self._write_batch.seconds_per_write / MAX_LOOP_SHARE
        self._next_at = asyncio.get_running_loop().time() + min(pause, MAX_PAUSE_SECONDS)
