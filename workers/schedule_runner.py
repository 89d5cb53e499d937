"""Calls schedules when they are due, by the clock of Postgres: a worker whose own clock jumps neither skips nor repeats a run."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta

from domain.errors import Unavailable
from persistence.workers import schedule_runs
from persistence.workers.backoff import full_jitter
from workers.job import open_work
from workers.metrics import ScheduleMetrics
from workers.schedule import Schedule, ScheduledRun
from workers.services import WorkerServices
from workers.timings import WorkerTimings

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
logger = logging.getLogger(__name__)


async def run_schedule(schedule: Schedule, services: WorkerServices, timings: WorkerTimings, metrics: ScheduleMetrics) -> None:
    """Run one schedule until cancelled."""
    failures = 0
    while True:
        try:
            pause = await run_if_due(schedule, services, timings, metrics)
        except Exception as error:  # noqa: BLE001 (whatever the schedule meets: undone, and tried again)
            failures += 1
            metrics.failures += 1
            pause = full_jitter(failures, timings.first_retry_seconds, timings.max_retry_seconds)
            log = logger.warning if isinstance(error, Unavailable) else logger.exception
            log("The schedule %s failed and is tried again in %.1f s: %s", schedule.name, pause, error)
        else:
            failures = 0
        await asyncio.sleep(pause)


async def run_if_due(schedule: Schedule, services: WorkerServices, timings: WorkerTimings, metrics: ScheduleMetrics) -> float:
    """Run a schedule if it is due; how many seconds later to look again. Raises what it raises."""
    async with open_work(services) as work:
        uow = work.uow
        last = await schedule_runs.claim(uow.connection, schedule.name)
        if last is None:
            return timings.leader_poll_seconds
        due_at = latest_due(last.now, schedule.every)
        previous_at = last.due_at
        if previous_at > due_at + schedule.every:  # the clock was ahead then: that is no run to wait for
            previous_at = due_at - schedule.every
        if previous_at < due_at:
            run = ScheduledRun(previous_at=previous_at, due_at=due_at, uow=uow, jobs=work.jobs, services=services)
            async with asyncio.timeout(timings.handler_timeout_seconds):
                await schedule.handle(run)
                await uow.flush_events()
            await schedule_runs.record(uow.connection, schedule.name, due_at)
            metrics.runs += 1
    # Capped, so that a clock that jumps is noticed.
    return min(max(0.0, (due_at + schedule.every - last.now).total_seconds()), timings.max_schedule_sleep_seconds)


def latest_due(now: datetime, every: timedelta) -> datetime:
    """The last full period of the clock (UTC)."""
    return now - (now - _EPOCH) % every
