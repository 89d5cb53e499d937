"""Divides the event loop between connections that send more than can be handled at once.

A connection handles what it receives at once within a small budget. What is left waits here and is continued in turns: in each
turn of the loop at most `MAX_TURN_SECONDS` are spent in total, and addresses take turns before their connections do, so sixteen
connections of one address get what a single one would.

Rejected: a turn for each connection (a thousand connections of one address would hold up the loop a thousand times as long); a
task per connection (the loop runs all tasks that are ready before it reads again).
"""

import asyncio
from collections import OrderedDict, deque
from time import monotonic
from typing import Final, Protocol

MAX_TURN_SECONDS: Final = 0.002
MAX_TURN_MESSAGES: Final = 32


class Resumable(Protocol):
    """A connection with received messages that it has not handled yet."""

    def continue_reading(self, deadline: float, /) -> bool:
        """Handle some of them until `time.monotonic()` reaches the deadline; whether there are more."""
        ...


class FairTurns:
    """The connections of a process that have something left to handle. Each is in it once, so it is bounded by their number."""

    __slots__ = ("_queues", "_scheduled")

    def __init__(self) -> None:
        self._queues: OrderedDict[str, deque[Resumable]] = OrderedDict()
        self._scheduled = False

    def has_backlog(self, address: str) -> bool:
        """Whether connections of an address already wait, so that another of them has to wait as well."""
        return address in self._queues

    def add(self, address: str, connection: Resumable) -> None:
        """Continue a connection in one of the next turns. It must not be waiting already."""
        queue = self._queues.get(address)
        if queue is None:
            queue = self._queues[address] = deque()
        queue.append(connection)
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._run_turn)

    def _run_turn(self) -> None:
        queues = self._queues
        deadline = monotonic() + MAX_TURN_SECONDS
        try:
            while queues:
                address, queue = queues.popitem(last=False)
                connection = queue.popleft()
                if queue:
                    queues[address] = queue
                if connection.continue_reading(deadline):
                    queues.setdefault(address, queue).append(connection)
                if monotonic() >= deadline:
                    return
        finally:
            if queues:
                asyncio.get_running_loop().call_soon(self._run_turn)
            else:
                self._scheduled = False
