"""Gives the reading of documents that the server has not seen its turns, so that nobody else waits for them.

A new document takes 2 to 50 ms to parse, validate and compile. One is read at a time, and owners take turns. A long one is read
in a thread: the work is Python, which the interpreter interrupts, so the event loop has it again within
`SWITCH_INTERVAL_SECONDS`. Measured with a probe of the loop beside documents of 16 KB: p99 34 ms when the loop reads them, 15
with a thread and Python's own interval of 5 ms, 8 with this one. A short one, which a thread would only delay, is read by the
loop, and as much time is left to everybody else afterwards.

Rejected: worker processes (a syntax tree takes as long to unpickle as to parse, and a program cannot be sent at all); slices of
the work on the loop (graphql-core's visitor cannot be left and entered again).
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from time import monotonic
from typing import Final, TypeVar, TypeVarTuple, Unpack

from transport.fair_semaphore import FairSemaphore

SWITCH_INTERVAL_SECONDS: Final = 0.001
MAX_LOOP_CHARACTERS: Final = 400  # of a document that the loop reads itself, in some 4 ms
_SECONDS_PER_CHARACTER: Final = 4e-6
R = TypeVar("R")
A = TypeVarTuple("A")


class NewDocumentTurns:
    """The turns of one event loop. The thread is started when it is first needed."""

    def __init__(self) -> None:
        self._semaphore = FairSemaphore(slots=1)
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="documents")

    @asynccontextmanager
    async def turn(self, owner: Hashable, *, characters: int, timeout_seconds: float) -> AsyncIterator["Turn"]:
        """The turn of a document of so many characters, for the length of the block. Raises QueueFull, and TimeoutError."""
        cost = characters * _SECONDS_PER_CHARACTER
        async with self._semaphore.slot(owner, cost_seconds=cost, timeout_seconds=timeout_seconds):
            await asyncio.sleep(0)  # a slot that is free is taken at once: others may wait for this iteration of the loop
            turn = Turn(self._pool if characters > MAX_LOOP_CHARACTERS else None)
            yield turn
            if self._semaphore.waiting:
                await asyncio.sleep(turn.loop_seconds)


class Turn:
    """The right to read one document now."""

    def __init__(self, pool: ThreadPoolExecutor | None) -> None:
        self._pool = pool
        self.loop_seconds = 0.0
        """The time for which the loop itself was busy."""

    async def run(self, function: Callable[[Unpack[A]], R], *arguments: *A) -> R:
        """The result of a function that any thread may call. Ends only when the function has, also when it is cancelled."""
        if self._pool is None:
            began = monotonic()
            result = function(*arguments)
            self.loop_seconds += monotonic() - began
            return result
        work = asyncio.get_running_loop().run_in_executor(self._pool, function, *arguments)
        try:
            return await asyncio.shield(work)
        finally:
            if not work.done():
                await asyncio.wait((work,))


def shorten_switch_interval() -> None:
    """Lets waiting threads have the interpreter sooner; for the whole process, when it starts to serve."""
    sys.setswitchinterval(SWITCH_INTERVAL_SECONDS)
