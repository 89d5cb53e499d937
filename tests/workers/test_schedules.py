"""Schedules run once for each of their times, whoever leads and whatever a clock does."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.worker import worker_services
from tests.support.worker_effects import FAST_TIMINGS, INSERT_EFFECT
from tests.support.workers import WorkerDatabase
from workers.metrics import ScheduleMetrics
from workers.schedule import Schedule, ScheduledRun
from workers.schedule_runner import latest_due, run_if_due

HOUR = timedelta(hours=1)


def recording_schedule(runs: list[ScheduledRun], *, every: timedelta = HOUR, failures: int = 0) -> Schedule:
    """A schedule that writes a row for each run, and fails so many times at first, after that."""
    left = [failures]

    async def record(run: ScheduledRun) -> None:
        await run.uow.connection.raw.execute(INSERT_EFFECT, uuid4(), "schedule", None, "", round(run.due_at.timestamp()))
        if left[0]:
            left[0] -= 1
            raise ValueError("not yet")
        runs.append(run)

    return Schedule(name="hourly", handle=record, every=every)


async def run_once(database: WorkerDatabase, schedule: Schedule) -> float:
    services = worker_services(database.resources, database.resources.database)
    return await run_if_due(schedule, services, FAST_TIMINGS, ScheduleMetrics())


async def set_last_run(database: WorkerDatabase, at: datetime) -> None:
    await database.app.sql.execute(
        "INSERT INTO schedule_runs VALUES ('hourly', $1) ON CONFLICT (name) DO UPDATE SET due_at = excluded.due_at", at
    )


async def last_run(database: WorkerDatabase) -> datetime:
    found: datetime = await database.app.sql.fetchval("SELECT due_at FROM schedule_runs WHERE name = 'hourly'")
    return found


@given(st.datetimes(timezones=st.just(UTC)), st.integers(1, 10**6))
def test_the_latest_time_that_is_due_is_a_full_period_and_not_ahead(now: datetime, seconds: int) -> None:
    every = timedelta(seconds=seconds)
    try:
        due = latest_due(now, every)
    except OverflowError:  # before the year 1
        return
    assert now - every < due <= now
    assert (due - datetime(1970, 1, 1, tzinfo=UTC)) % every == timedelta()


async def test_a_new_schedule_waits_for_its_first_time(worker_database: WorkerDatabase) -> None:
    runs: list[ScheduledRun] = []
    pause = await run_once(worker_database, recording_schedule(runs))
    assert runs == []
    assert 0 <= pause <= FAST_TIMINGS.max_schedule_sleep_seconds


async def test_what_came_due_while_nobody_worked_is_one_run(worker_database: WorkerDatabase) -> None:
    runs: list[ScheduledRun] = []
    now = latest_due(datetime.now(UTC), HOUR)
    await set_last_run(worker_database, now - 5 * HOUR)
    for _ in range(3):
        await run_once(worker_database, recording_schedule(runs))
    ((previous, due),) = [(run.previous_at, run.due_at) for run in runs]
    assert previous == now - 5 * HOUR
    assert due in (now, now + HOUR)  # the hour may have struck meanwhile
    assert await last_run(worker_database) == due


async def test_a_run_that_fails_is_undone_and_tried_again(worker_database: WorkerDatabase) -> None:
    runs: list[ScheduledRun] = []
    schedule = recording_schedule(runs, failures=1)
    before = latest_due(datetime.now(UTC), HOUR) - HOUR
    await set_last_run(worker_database, before)
    with pytest.raises(ValueError, match="not yet"):
        await run_once(worker_database, schedule)
    assert await worker_database.effects("schedule") == []
    assert await last_run(worker_database) == before
    await run_once(worker_database, schedule)
    assert len(await worker_database.effects("schedule")) == 1


async def test_two_leaders_at_once_do_each_time_once(worker_database: WorkerDatabase) -> None:
    runs: list[ScheduledRun] = []
    schedule = recording_schedule(runs)
    await set_last_run(worker_database, latest_due(datetime.now(UTC), HOUR) - HOUR)
    await asyncio.gather(*(run_once(worker_database, schedule) for _ in range(8)))
    await run_once(worker_database, schedule)
    assert len(runs) == 1
    assert len(await worker_database.effects("schedule")) == 1


async def test_a_clock_that_was_years_ahead_stops_no_schedule(worker_database: WorkerDatabase) -> None:
    runs: list[ScheduledRun] = []
    await set_last_run(worker_database, datetime.now(UTC) + timedelta(days=900))
    for _ in range(3):
        await run_once(worker_database, recording_schedule(runs))
    (run,) = runs
    assert run.due_at - run.previous_at == HOUR
    assert await last_run(worker_database) == run.due_at <= datetime.now(UTC)


async def test_of_two_workers_one_leads_and_the_other_takes_over(worker_database: WorkerDatabase) -> None:
    runs: list[ScheduledRun] = []
    every_second = recording_schedule(runs, every=timedelta(seconds=1))

    async def run_again() -> None:
        # By what was committed: a run that was cut off is undone, and called again.
        count = len(await worker_database.effects("schedule")) + 1

        async def has_run() -> bool:
            return len(await worker_database.effects("schedule")) >= count

        await worker_database.wait_until(has_run)

    async with worker_database.worker(schedules=[every_second]):
        async with worker_database.worker(schedules=[every_second]):
            await run_again()
        await run_again()
        killed = await worker_database.app.sql.fetchval(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            "WHERE datname = current_database() AND application_name = 'pantherahive worker leads'"
        )
        assert killed == 1
        await run_again()
        await run_again()
    times = await worker_database.effects("schedule")
    assert sorted(set(times)) == times
    assert len(times) >= 4
