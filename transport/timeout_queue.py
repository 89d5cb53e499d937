"""One timer serves all connections that wait equally long: what was added first is due first, so nothing needs to be sorted.

A timer of the event loop for each of 10,000 sockets would cost as much memory as their buffers; here it is an entry of a queue.
Entries are not removed: a connection that is no longer concerned finds that out when it is due.

A timer that fires late (the process was stopped, or the event loop was blocked) says nothing of the clients: what they sent in
time has not been read yet. So it is put off once, until that has been read.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final, Generic, TypeVar

T = TypeVar("T")

_LATE_SECONDS: Final = 1.0


class TimeoutQueue(Generic[T]):
    """Calls `on_timeout` with everything that was added, so many seconds later."""

    def __init__(self, seconds: float, on_timeout: Callable[[T], None]) -> None:
        self._seconds = seconds
        self._on_timeout = on_timeout
        self._queue: deque[tuple[float, T]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._was_put_off = False

    def add(self, item: T) -> None:
        """Wait for one more."""
        loop = asyncio.get_running_loop()
        self._queue.append((loop.time() + self._seconds, item))
        if self._timer is None:
            self._timer = loop.call_later(self._seconds, self._fire)

    def stop(self) -> None:
        """Drop all entries."""
        self._queue.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _fire(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        if now - self._queue[0][0] > _LATE_SECONDS and not self._was_put_off:
            self._was_put_off = True
            self._timer = loop.call_later(_LATE_SECONDS, self._fire)
            return
        self._was_put_off = False
        while self._queue and self._queue[0][0] <= now:
            self._on_timeout(self._queue.popleft()[1])
        self._timer = loop.call_at(self._queue[0][0], self._fire) if self._queue else None
