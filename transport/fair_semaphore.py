"""Bounds how many jobs run at once, in the order of a fair scheduler."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from transport.fair_scheduler import FairScheduler, Job, Owner


class FairSemaphore:
    """Slots of one event loop, given out by `FairScheduler`."""

    def __init__(
        self, *, slots: int, max_waiting: int = 1_024, max_waiting_per_owner: int = 256, max_per_owner: int | None = None
    ) -> None:
        self._scheduler = FairScheduler(
            slots=slots,
            max_waiting=max_waiting,
            max_waiting_per_owner=max_waiting_per_owner,
            max_per_owner=max_per_owner,
        )
        self._turns: dict[Job, asyncio.Future[None]] = {}

    @property
    def waiting(self) -> int:
        """How many jobs wait for a slot."""
        return self._scheduler.waiting

    @property
    def running(self) -> int:
        """How many slots are taken."""
        return self._scheduler.running

    @asynccontextmanager
    async def slot(
        self, owner: Owner, *, cost_seconds: float, is_large: bool = False, timeout_seconds: float | None = None
    ) -> AsyncIterator[None]:
        """Hold a slot for the length of the block. Raises QueueFull, and TimeoutError when none came free in time."""
        job = Job(owner, cost_seconds, is_large)
        self._scheduler.submit(job)
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._turns[job] = turn
        self._start_jobs()
        try:
            async with asyncio.timeout(timeout_seconds):
                await turn
        except BaseException:
            if self._turns.pop(job, None) is not None:
                self._scheduler.cancel(job)
            else:  # started at the very moment
                self._scheduler.finish(job, 0.0)
            self._start_jobs()
            raise
        began = time.monotonic()
        try:
            yield
        finally:
            self._scheduler.finish(job, time.monotonic() - began)
            self._start_jobs()

    def _start_jobs(self) -> None:
        while (job := self._scheduler.start_next()) is not None:
            turn = self._turns.pop(job)
            if not turn.done():
                turn.set_result(None)
