"""Gives the planning of long statements that Postgres has not seen its turns, so that nobody else waits for them.

A filter of thirty parts of a shape of its own makes a statement of 20 KB, which takes Postgres 10 to 50 ms to plan. Eight
connections of one person that send nothing else kept both cores busy: others' queries took 43 ms instead of 2 (p50), 257 instead
of 10 (p99). So one such statement is planned at a time, and people take turns. A statement that comes again is prepared, and
needs none.
"""

from collections.abc import AsyncIterator, Hashable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

from domain.errors import Overloaded
from transport.fair_scheduler import QueueFull
from transport.fair_semaphore import FairSemaphore

MAX_SHORT_CHARACTERS: Final = 8_000
_SECONDS_PER_CHARACTER: Final = 1e-6


class PlanningTurns:
    """The turns of one pool of connections."""

    def __init__(self, timeout_seconds: float) -> None:
        self._semaphore = FairSemaphore(slots=1)
        self._timeout_seconds = timeout_seconds

    @asynccontextmanager
    async def turn(self, characters: int, owner: Hashable) -> AsyncIterator[None]:
        """The turn of a statement of so many characters that somebody sends, for the length of the block. Raises Overloaded."""
        if characters <= MAX_SHORT_CHARACTERS:
            yield
            return
        cost = characters * _SECONDS_PER_CHARACTER
        async with AsyncExitStack() as stack:
            try:
                await stack.enter_async_context(
                    self._semaphore.slot(owner, cost_seconds=cost, timeout_seconds=self._timeout_seconds)
                )
            except (QueueFull, TimeoutError) as error:
                raise Overloaded("Too many filters of new shapes wait; try again.") from error
            yield
