"""One watch over a request: how long it may take, and whether its client is still there.

A request is done before the first look, so all that most of them cost is a timer that is set and cancelled. A task that waits for
the client's going, and a deadline each for the body and for the operation, would cost more than a small operation does. (On
Python 3.11 each of these also asks the kernel for the process's number, to tell its event loop.)
"""

import asyncio
from types import TracebackType
from typing import Any, Self

from starlette.types import Receive

_FIRST_LOOK, _LOOK = 0.05, 0.5


class ClientGone(Exception):
    """The client closed the connection before it had its answer: nobody is left to tell."""


class TooLate(Exception):
    """What the request was doing took longer than it may."""


class Vigil:
    """Cancels the block that it surrounds when its time is up or its client is gone, and then raises `TooLate` or
    `ClientGone`."""

    __slots__ = ("_ended", "_left", "_loop", "_receive", "_task", "_timer", "_watcher", "_watching")

    def __init__(self, receive: Receive, seconds: float) -> None:
        self._receive = receive
        self._left = seconds
        self._watching = False
        self._watcher: asyncio.Task[None] | None = None
        self._ended: Exception | None = None

    def now(self, seconds: float) -> None:
        """The body is there: what follows may take so long, and the client's going is watched for."""
        self._left = seconds
        self._watching = True

    def __enter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._task: asyncio.Task[Any] | None = asyncio.current_task(self._loop)
        self._timer = self._loop.call_later(_FIRST_LOOK, self._look, _FIRST_LOOK)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._timer.cancel()
        if self._watcher is not None:
            self._watcher.cancel()
        ended, self._ended = self._ended, None
        try:
            if ended is not None and self._task is not None and self._task.uncancel() == 0 and kind is asyncio.CancelledError:
                raise ended from None
        finally:
            # An exception holds its frames: held by them in turn, it would keep all that the request had until cycles are
            # collected.
            del ended, error, traceback

    def _look(self, passed: float) -> None:
        self._left -= passed
        if self._left <= 0:
            self._end(TooLate())
            return
        if self._watching and self._watcher is None:
            self._watcher = self._loop.create_task(self._wait())
        wait = min(_LOOK, self._left)
        self._timer = self._loop.call_later(wait, self._look, wait)

    async def _wait(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._end(ClientGone())

    def _end(self, why: Exception) -> None:
        if self._ended is None and self._task is not None and not self._task.done():
            self._ended = why
            self._task.cancel()
