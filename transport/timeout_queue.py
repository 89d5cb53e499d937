"""One timer serves all connections that wait equally long: what was added first is due first, so nothing needs to be sorted.

A timer of the event loop for each of 10,000 sockets would cost as much memory as their buffers; here it is an entry of a queue.
Entries are not removed: a connection that is no longer concerned finds that out when it is due.

Deadlines of clients need a grace period. A timer may fire late, because the process was stopped or its event loop was busy; what
a client has sent in time waits in its socket then, and has to be read before the client is judged.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, Generic, TypeVar

T = TypeVar("T")

READ_GRACE_SECONDS: Final = 0.1
"""Enough for the event loop to read from all sockets."""


class TimeoutQueue(Generic[T]):
    """Calls `on_timeout` with everything that was added, so many seconds later."""

    def __init__(self, seconds: float, on_timeout: Callable[[T], None], *, grace_seconds: float = 0.0) -> None:
        """`grace_seconds` are waited after the timer has fired, however late it was."""
        self._seconds = seconds
        self._on_timeout = on_timeout
        self._grace_seconds = grace_seconds
        self._queue: deque[tuple[float, T]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._queue)

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
        due: list[T] = []
        while self._queue and self._queue[0][0] <= now:
            due.append(self._queue.popleft()[1])
        if self._grace_seconds and due:
            loop.call_later(self._grace_seconds, self._call, due)
        else:
            self._call(due)
        if self._timer is not None:
            self._timer = loop.call_at(self._queue[0][0], self._fire) if self._queue else None

    def _call(self, due: Sequence[T]) -> None:
        for item in due:
            self._on_timeout(item)
