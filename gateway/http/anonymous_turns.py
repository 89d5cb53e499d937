"""Lets requests of strangers begin one by one, and when no request of anybody who has signed in is under way.

A thousand people who sign in at once are a second of work for the event loop, most of it to refuse them. If all begin as they
arrive, whatever arrives after them waits for all of them. So a request without credentials waits for its turn: one begins in each
iteration of the loop, between two of which the sockets of others are read, and none as long as a request with credentials is
running, but for one every few milliseconds, so that a server that is never idle answers strangers too.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Final

from domain.errors import Overloaded

_MAX_WAITING: Final = 500
"""Half a second of work."""
_MAX_PAUSE_SECONDS: Final = 0.005
"""Between two strangers, while others' requests are running."""


class AnonymousTurns:
    """The turns of strangers in one process."""

    def __init__(self, *, max_waiting: int = _MAX_WAITING, max_pause_seconds: float = _MAX_PAUSE_SECONDS) -> None:
        self._max_waiting = max_waiting
        self._max_pause_seconds = max_pause_seconds
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._authenticated = _RunningRequests(self._on_none_authenticated)
        self._next: asyncio.Handle | None = None
        """Lets the next one begin; None when the next stranger may begin at once."""

    def authenticated(self) -> AbstractContextManager[None]:
        """While a request of somebody who has signed in is running."""
        return self._authenticated

    async def wait(self) -> None:
        """Wait for the turn of a stranger's request. Raises Overloaded where too many wait."""
        if self._next is None and not self._authenticated.count:
            self._next = asyncio.get_running_loop().call_soon(self._begin_next)
            return
        if len(self._waiting) >= self._max_waiting:
            raise Overloaded("Too many people who have not signed in ask at this moment; try again.")
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        if self._next is None:
            self._schedule()
        await turn

    def _begin_next(self) -> None:
        self._next = None
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():  # else its client has gone
                turn.set_result(None)
                self._schedule()
                return

    def _on_none_authenticated(self) -> None:
        if self._waiting and isinstance(self._next, asyncio.TimerHandle):
            self._next.cancel()
            self._next = asyncio.get_running_loop().call_soon(self._begin_next)

    def _schedule(self) -> None:
        loop = asyncio.get_running_loop()
        if self._authenticated.count:
            self._next = loop.call_later(self._max_pause_seconds, self._begin_next)
        else:
            self._next = loop.call_soon(self._begin_next)


class _RunningRequests:
    """Counts requests that are running, each of which enters and leaves it, and calls back when none is left."""

    __slots__ = ("_on_none", "count")

    def __init__(self, on_none: Callable[[], None]) -> None:
        self._on_none = on_none
        self.count = 0

    def __enter__(self) -> None:
        self.count += 1

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.count -= 1
        if not self.count:
            self._on_none()
