"""Divides the event loop between large messages that are being sent: in each turn one slice of one message is written.

The message that began first comes first wherever its client reads: a hundred clients that are sent 10 MB each have them one after
the other, half of them in half of the time, and what else the process does waits for one slice. Half of the time is left to it.

Rejected: all in turns (everybody has theirs at the very end, and what happens meanwhile waits in everybody's queue).
"""

import asyncio
import heapq
from itertools import count
from time import thread_time
from typing import Final

SLICE_BYTES: Final = 64 * 1024
"""Of a message that are written at once: some 30 µs of the kernel's time."""
MAX_BURST_SECONDS: Final = 0.001
"""Of the event loop, in which slices are written turn by turn, before there is a pause of as long."""


class WriteTurns:
    """The large messages of a process that have something left to write. Each is in it once."""

    __slots__ = ("_burst_ends", "_is_scheduled", "_numbers", "_waiting")

    def __init__(self) -> None:
        self._burst_ends = 0.0  # in CPU seconds of the thread
        self._numbers = count()
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []
        self._is_scheduled = False

    def begin(self) -> int:
        """The place of a message that begins now."""
        return next(self._numbers)

    async def turn(self, place: int) -> None:
        """Wait until the message with this place may write a slice."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        heapq.heappush(self._waiting, (place, future))
        if not self._is_scheduled:
            self._is_scheduled = True
            loop.call_soon(self._run_turn)
        await future

    def _run_turn(self) -> None:
        if thread_time() >= self._burst_ends:
            asyncio.get_running_loop().call_later(MAX_BURST_SECONDS, self._run_burst)
        else:
            self._run_slice()

    def _run_burst(self) -> None:
        self._burst_ends = thread_time() + MAX_BURST_SECONDS
        self._run_slice()

    def _run_slice(self) -> None:
        while self._waiting:
            _, future = heapq.heappop(self._waiting)
            if not future.done():  # else its connection has ended
                future.set_result(None)
                break
        self._is_scheduled = bool(self._waiting)
        if self._is_scheduled:
            asyncio.get_running_loop().call_soon(self._run_turn)
