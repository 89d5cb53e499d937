"""One timer for all connections that wait equally long: what was added first is due first, so nothing needs to be sorted.

A timer of the event loop for each of 10,000 sockets would cost as much memory as their buffers; here it is an entry of a queue.
Nobody is taken out: who is no longer concerned says so when his time comes.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class TimeoutQueue(Generic[T]):
    """Calls `due` with everything that was added, `seconds` later."""

    def __init__(self, seconds: float, on_timeout: Callable[[T], None]) -> None:
        self._seconds = seconds
        self._on_timeout = on_timeout
        self._queue: deque[tuple[float, T]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def add(self, item: T) -> None:
        """Wait for one more."""
        loop = asyncio.get_running_loop()
        self._queue.append((loop.time() + self._seconds, item))
        if self._timer is None:
            self._timer = loop.call_later(self._seconds, self._fire)

    def stop(self) -> None:
        """Forget everybody."""
        self._queue.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _fire(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        while self._queue and self._queue[0][0] <= now:
            self._on_timeout(self._queue.popleft()[1])
        self._timer = loop.call_at(self._queue[0][0], self._fire) if self._queue else None
