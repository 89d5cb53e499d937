"""A worker: receives what has work, hands it to the consumers, and takes part in choosing a leader.

Several may run, in any number of processes; they share the streams by locking cursors (`persistence.workers.cursors`). The leader
looks through the backlog, so that what no worker was told of is done all the same.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final

from domain.errors import Unavailable
from persistence.queue.port import WorkQueue
from persistence.queue.sender import WakeUpSender
from persistence.workers import jobs
from persistence.workers.backlog import Lag, read_backlog
from realtime.background_tasks import BackgroundTasks
from workers.consumer import Consumer
from workers.consumer_runner import ConsumerRunner
from workers.job import JobKind
from workers.job_runner import MAX_RETRY_SECONDS, JobRunner
from workers.leader import Duty, lead
from workers.metrics import ConsumerMetrics, JobMetrics, ScheduleMetrics, WorkerMetrics
from workers.schedule import Schedule
from workers.schedule_runner import run_schedule
from workers.services import WorkerServices
from workers.timings import WorkerTimings
from workers.webhook_sender import WebhookSender

_MAX_JOB_PAUSE_SECONDS: Final = 2 * MAX_RETRY_SECONDS
_REST_PER_SWEEP: Final = 20  # a sweep takes a twentieth of the time at most
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerWiring:
    """What a worker is connected to. `tasks` is how many streams one consumer reads at once; `duties` what else the leader
    does; `sends_webhooks`: whether it sends what webhooks have to send."""

    url: str
    services: WorkerServices
    queue: WorkQueue
    sender: WakeUpSender
    consumers: Sequence[Consumer]
    jobs: Sequence[JobKind]
    schedules: Sequence[Schedule]
    duties: Sequence[Duty]
    tasks: int
    sends_webhooks: bool = False


class Worker:
    """The runners of one process."""

    def __init__(self, wiring: WorkerWiring, timings: WorkerTimings, metrics: WorkerMetrics) -> None:
        self._wiring = wiring
        self._timings = timings
        self._metrics = metrics
        self._readers = [(each.name, kind) for each in wiring.consumers for kind in sorted(each.streams)]
        self._runners: list[ConsumerRunner | JobRunner | WebhookSender] = [
            ConsumerRunner(
                each,
                wiring.services,
                timings,
                metrics.consumers.setdefault(each.name, ConsumerMetrics()),
                tasks=wiring.tasks,
            )
            for each in wiring.consumers
        ]
        self._runners += [
            JobRunner(each, wiring.services, timings, metrics.jobs.setdefault(each.kind, JobMetrics())) for each in wiring.jobs
        ]
        if wiring.sends_webhooks:
            self._runners.append(WebhookSender(wiring.services, timings))
        self._running = 0
        self._stopped = asyncio.Event()

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        wiring: WorkerWiring,
        *,
        timings: WorkerTimings | None = None,
        metrics: WorkerMetrics | None = None,
    ) -> AsyncIterator["Worker"]:
        """Work until the block ends, then finish what is under way. In the block every consumer is known: it misses no event."""
        worker = cls(wiring, timings or WorkerTimings(), metrics or WorkerMetrics())
        for runner in worker._runners:
            if isinstance(runner, ConsumerRunner):
                await runner.register()
        tasks = BackgroundTasks()
        for runner in worker._runners:
            tasks.supervise(worker._run(runner), runner.name)
        tasks.supervise(worker._receive(), "receive work")
        tasks.supervise(lead(wiring.url, worker._duties(), worker._timings, worker._metrics), "leader")
        try:
            yield worker
        finally:
            await worker._stop()
            await tasks.cancel_all()

    def _duties(self) -> list[Duty]:
        """What the leader does."""
        wiring = self._wiring
        backlog: list[Duty] = [("backlog", self._sweep_backlog)] if self._runners else []
        schedules: list[Duty] = [
            (
                f"schedule {each.name}",
                partial(
                    run_schedule,
                    each,
                    wiring.services,
                    self._timings,
                    self._metrics.schedules.setdefault(each.name, ScheduleMetrics()),
                ),
            )
            for each in wiring.schedules
        ]
        return [*backlog, *schedules, *wiring.duties]

    async def _run(self, runner: ConsumerRunner | JobRunner | WebhookSender) -> None:
        self._running += 1
        await runner.run()
        self._running -= 1
        self._stopped.set()
        await asyncio.Event().wait()  # until the worker ends

    async def _stop(self) -> None:
        for runner in self._runners:
            runner.stop()
        try:
            async with asyncio.timeout(self._timings.drain_timeout_seconds):
                while self._running:
                    self._stopped.clear()
                    await self._stopped.wait()
        except TimeoutError:
            logger.warning("What is under way does not finish; it is undone, and done again later.")

    async def _receive(self) -> None:
        async with self._wiring.queue.receive() as received:
            async for names, done in received:
                for name in names:
                    self._wake(name)
                await done()

    def _wake(self, name: str) -> None:
        for runner in self._runners:
            runner.wake(name)

    async def _sweep_backlog(self) -> None:
        """Look for streams that are not read to their ends, and tell all workers, over and over."""
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            try:
                await self._sweep_once()
            except Unavailable as error:
                logger.warning("The backlog cannot be read now: %s", error.__cause__ or error)
            await asyncio.sleep(max(self._timings.sweep_seconds, _REST_PER_SWEEP * (loop.time() - began)))

    async def _sweep_once(self) -> None:
        lags = {each.name: Lag() for each in self._wiring.consumers}
        after: str | None = ""
        while after is not None:
            page = await read_backlog(self._wiring.services.database, self._readers, after)
            for stream in page.streams:
                self._wake(stream)
                self._wiring.sender.mark(stream)
            for name, lag in page.lags.items():
                lags[name].events += lag.events
                lags[name].seconds = max(lags[name].seconds, lag.seconds)
            after = page.end
        self._metrics.lags = lags
        await self._look_after_jobs()

    async def _look_after_jobs(self) -> None:
        database = self._wiring.services.database
        if pulled := await jobs.pull_forward(database, beyond_seconds=_MAX_JOB_PAUSE_SECONDS):
            logger.warning("%d jobs waited for a time that no pause reaches: the clock has jumped.", pulled)
        kinds = [each.kind for each in self._wiring.jobs]
        found = await jobs.backlog(database, kinds) if kinds else {}
        self._metrics.job_lags = {kind: Lag(*found.get(kind, (0, 0.0))) for kind in kinds}
