"""Ends a request that takes too long, or whose client has disconnected.

A request is done before the first check, so all that most of them cost is a timer that is set and cancelled. A task that waits
for the client's disconnect, and a deadline each for the body and for the operation, would cost more than a small operation does.
(On Python 3.11 each of these also asks the kernel for the process's number, to tell its event loop.)
"""

import asyncio
from types import TracebackType
from typing import Any, Self

from starlette.types import Receive

_FIRST_CHECK_SECONDS, _CHECK_SECONDS = 0.05, 0.5


class ClientDisconnected(Exception):
    """The client closed the connection before it had its answer: nobody is left to answer."""


class RequestTimeout(Exception):
    """Reading the request or its operation took longer than it may."""


class RequestWatchdog:
    """Cancels the block that it surrounds when its time is up or its client is gone, and then raises `RequestTimeout` or
    `ClientDisconnected`."""

    __slots__ = (
        "_disconnect_task",
        "_error",
        "_loop",
        "_receive",
        "_remaining_seconds",
        "_task",
        "_timer",
        "_watches_disconnect",
    )

    def __init__(self, receive: Receive, timeout_seconds: float) -> None:
        self._receive = receive
        self._remaining_seconds = timeout_seconds
        self._watches_disconnect = False
        self._disconnect_task: asyncio.Task[None] | None = None
        self._error: Exception | None = None

    def begin_operation(self, timeout_seconds: float) -> None:
        """The body is there: what follows may take so long, and the client's disconnect is watched for."""
        self._remaining_seconds = timeout_seconds
        self._watches_disconnect = True

    def __enter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._task: asyncio.Task[Any] | None = asyncio.current_task(self._loop)
        self._timer = self._loop.call_later(_FIRST_CHECK_SECONDS, self._check, _FIRST_CHECK_SECONDS)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._timer.cancel()
        if self._disconnect_task is not None:
            self._disconnect_task.cancel()
        ended, self._error = self._error, None
        try:
            if ended is not None and self._task is not None and self._task.uncancel() == 0 and kind is asyncio.CancelledError:
                raise ended from None
        finally:
            # An exception holds its frames: held by them in turn, it would keep all that the request had until cycles are
            # collected.
            del ended, error, traceback

    def _check(self, elapsed_seconds: float) -> None:
        self._remaining_seconds -= elapsed_seconds
        if self._remaining_seconds <= 0:
            self._cancel(RequestTimeout())
            return
        if self._watches_disconnect and self._disconnect_task is None:
            self._disconnect_task = self._loop.create_task(self._wait_for_disconnect())
        wait = min(_CHECK_SECONDS, self._remaining_seconds)
        self._timer = self._loop.call_later(wait, self._check, wait)

    async def _wait_for_disconnect(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._cancel(ClientDisconnected())

    def _cancel(self, error: Exception) -> None:
        if self._error is None and self._task is not None and not self._task.done():
            self._error = error
            self._task.cancel()
