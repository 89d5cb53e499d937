"""Lets the messages of many connections wait while it is closed, so that they are handled together.

To handle one message costs most where the process was woken for it: on a busy machine its code and data have left the caches by
then. Those who do something for all messages of a short time, such as storing them in one transaction, close the gate for that
time. A connection whose inbox is full does not wait.
"""

import asyncio
from collections import deque
from typing import Final

MAX_RELEASED: Final = 32
"""Connections that handle their messages in one turn of the loop."""


class MessageGate:
    """A gate of one event loop. Each connection waits at it once."""

    __slots__ = ("_is_closed", "_is_releasing", "_waiting")

    def __init__(self) -> None:
        self._is_closed = self._is_releasing = False
        self._waiting: deque[asyncio.Future[None]] = deque()

    def wake(self, receiver: "asyncio.Future[None]") -> None:
        """Let a connection's receiver handle what has arrived, as soon as the gate is open."""
        if self._is_closed:
            self._waiting.append(receiver)
        elif not receiver.done():
            receiver.set_result(None)

    def close(self) -> None:
        """Let messages wait."""
        self._is_closed = True

    def open(self) -> None:
        """Let those who wait handle their messages, in the order in which these came, from when control returns to the loop."""
        self._is_closed = False
        if not self._is_releasing:
            self._release()

    def _release(self) -> None:
        for _ in range(min(MAX_RELEASED, len(self._waiting))):
            receiver = self._waiting.popleft()
            if not receiver.done():
                receiver.set_result(None)
        self._is_releasing = bool(self._waiting)
        if self._is_releasing:
            asyncio.get_running_loop().call_soon(self._release)
