"""Does the jobs of one kind when they are due, a few at a time; other kinds have runners of their own, and wait for none of
them."""

import asyncio
import logging
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from domain.errors import Unavailable
from persistence.workers import jobs
from persistence.workers.backoff import full_jitter
from persistence.workers.jobs import ClaimedJob
from workers.job import PREFIX, JobKind, JobRun, LeaseLost, Postponed, RetryLater, open_work
from workers.metrics import JobMetrics
from workers.services import WorkerServices
from workers.timings import WorkerTimings

_RENEWED_AFTER: Final = 0.3  # of a lease
MAX_RETRY_SECONDS: Final = 24 * 3600.0
"""A job may ask for no longer pause."""
logger = logging.getLogger(__name__)


class JobRunner:
    """The jobs of one kind in one worker."""

    def __init__(self, kind: JobKind, services: WorkerServices, timings: WorkerTimings, metrics: JobMetrics) -> None:
        self.kind = kind
        self._services = services
        self._timings = timings
        self._metrics = metrics
        self._news = asyncio.Event()
        self._stopping = False

    @property
    def name(self) -> str:
        """For logs."""
        return f"jobs {self.kind.kind}"

    def wake(self, name: str) -> None:
        """Look for jobs, if the name is that of this kind."""
        if name == PREFIX + self.kind.kind:
            self._news.set()

    async def run(self) -> None:
        """Work until `stop` is called."""
        async with asyncio.TaskGroup() as tasks:
            for number in range(self.kind.concurrency):
                tasks.create_task(self._work(), name=f"{self.name} {number}")

    def stop(self) -> None:
        """Begin nothing more; what is under way is finished."""
        self._stopping = True
        self._news.set()

    async def _work(self) -> None:
        failures = 0
        while not self._stopping:
            self._news.clear()  # before looking, so that what is added meanwhile is not missed
            try:
                claimed = await jobs.claim(self._services.database, self.kind.kind, 1, lease_seconds=self._lease_seconds)
                for each in claimed:
                    await self._do(each)
                pause = 0.0 if claimed else await self._seconds_until_next()
            except Unavailable as error:
                failures += 1
                if failures == 1:
                    logger.warning("The %s wait for the database: %s", self.name, error.__cause__ or error)
                pause = self._pause(failures)
            else:
                failures = 0
            if pause and not self._stopping:
                await self._wait(pause)

    async def _seconds_until_next(self) -> float:
        found = await jobs.seconds_until_next(self._services.database, self.kind.kind)
        # At least a moment: what is due now is locked by another worker.
        return self._timings.sweep_seconds if found is None else min(max(found, 0.01), self._timings.sweep_seconds)

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            pass

    @property
    def _lease_seconds(self) -> float:
        return self.kind.lease_seconds or self.kind.timeout_seconds + self._timings.lease_margin_seconds

    async def _do(self, claimed: ClaimedJob) -> None:
        """One try. Raises Unavailable where its outcome cannot be recorded: then the job comes due when its lease ends."""
        if (
            claimed.tries - claimed.postponed > self.kind.max_tries
        ):  # the last try never reported: it killed its worker, or outlived its lease
            await self._give_up(claimed, "It was tried too often without an outcome.")
            return
        run = JobRun(claimed, self._services)
        try:
            async with asyncio.timeout(self.kind.timeout_seconds), self._renewed_lease(run, claimed):
                await self.kind.handle(run)
                if not run.is_complete:
                    async with run.complete():
                        pass
        except Postponed as turn:
            await jobs.postpone(self._services.database, claimed, delay_seconds=turn.seconds)
        except LeaseLost:
            logger.warning("Job %s of %s took longer than its lease; another worker has it.", claimed.id, self.kind.kind)
        except Exception as error:  # whatever the job raises: it is tried again
            if run.is_complete:
                logger.exception("Job %s of %s failed after it was complete.", claimed.id, self.kind.kind)
                self._metrics.done += 1
                return
            await self._on_failure(claimed, error)
        else:
            self._metrics.done += 1

    @asynccontextmanager
    async def _renewed_lease(self, run: JobRun, claimed: ClaimedJob) -> AsyncIterator[None]:
        """Renews the lease during the block, for kinds whose leases are shorter than their timeouts; raises LeaseLost in it."""
        if self.kind.lease_seconds is None:
            yield
            return
        body = asyncio.current_task()
        assert body is not None
        lost = False

        async def renew(lease_seconds: float) -> None:
            nonlocal lost
            while True:
                await asyncio.sleep(lease_seconds * _RENEWED_AFTER)
                try:
                    renewed = await jobs.renew(self._services.database, claimed, lease_seconds=lease_seconds)
                except Unavailable:
                    continue  # the next renewal is still in time, or the job is lost and finds out when it wants to record
                if not renewed:
                    lost = not run.is_ending
                    if lost:
                        body.cancel()
                    return

        task = asyncio.get_running_loop().create_task(renew(self.kind.lease_seconds), name=f"lease of {claimed.id}")
        try:
            yield
        except asyncio.CancelledError:
            if lost and not body.uncancel():
                raise LeaseLost from None
            raise
        finally:
            task.cancel()
            await asyncio.wait([task])

    async def _on_failure(self, claimed: ClaimedJob, error: Exception) -> None:
        self._metrics.failures += 1
        message = "".join(traceback.format_exception_only(error)).strip()
        if claimed.tries - claimed.postponed >= self.kind.max_tries:
            await self._give_up(claimed, message)
            return
        asked = error.seconds if isinstance(error, RetryLater) else self._pause(claimed.tries)
        pause = min(max(asked, 0.0), MAX_RETRY_SECONDS)
        await jobs.retry(self._services.database, claimed, delay_seconds=pause, error=message)
        log = logger.info if isinstance(error, RetryLater) else logger.warning
        log(
            "Job %s of %s failed and is tried again in %.1f s (try %d of %d): %s",
            claimed.id,
            self.kind.kind,
            pause,
            claimed.tries,
            self.kind.max_tries,
            message,
        )

    async def _give_up(self, claimed: ClaimedJob, message: str) -> None:
        async with open_work(self._services) as work:
            is_given_up = await jobs.give_up(work.uow.connection, claimed, error=message)
            if is_given_up and self.kind.on_give_up is not None:
                await self.kind.on_give_up(JobRun(claimed, self._services), work)
        self._metrics.dead_letters += 1
        logger.error("Job %s of %s is given up after %d tries: %s", claimed.id, self.kind.kind, claimed.tries, message)

    def _pause(self, failures: int) -> float:
        return full_jitter(failures, self._timings.first_retry_seconds, self._timings.max_retry_seconds)
