"""Jobs are done when they are due, recorded once, and tried again until they are given up."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from app.worker import worker_services
from domain.events import derived_id
from persistence.workers import jobs as stored_jobs
from tests.support.teams import create_sample_team
from tests.support.worker_effects import FAST_TIMINGS, INSERT_EFFECT
from tests.support.workers import WorkerDatabase, recording_consumer
from workers.consumer import Batch
from workers.job import JobKind, JobRun, LeaseLost, RetryLater, open_work
from workers.replay import replay

Fault = Callable[[JobRun], Awaitable[None]]


async def no_fault(_: JobRun) -> None:
    """Nothing goes wrong."""


def recording_job(fault: Fault = no_fault, after: Fault = no_fault, kind: str = "postcard", **options: Any) -> JobKind:
    """A job that fails as `fault` does, then records itself, and fails as `after` does before that is committed."""

    async def handle(run: JobRun) -> None:
        await fault(run)
        async with run.complete() as work:
            await work.uow.connection.begin()
            await work.uow.connection.raw.execute(INSERT_EFFECT, uuid4(), kind, run.id, run.payload["text"], run.tries)
            await after(run)

    return JobKind(kind=kind, handle=handle, **options)


async def enqueue(
    database: WorkerDatabase, text: str = "", *, kind: str = "postcard", id_: UUID | None = None, run_at: datetime | None = None
) -> UUID:
    id_ = id_ or uuid4()
    async with open_work(worker_services(database.resources, database.resources.database)) as work:
        await work.jobs.add(kind, id_, {"text": text}, run_at=run_at)
    return id_


async def waiting(database: WorkerDatabase) -> int:
    found: int = await database.app.sql.fetchval("SELECT count(*) FROM jobs")
    return found


async def wait_until_done(database: WorkerDatabase) -> None:
    async def is_done() -> bool:
        return await waiting(database) == 0

    await database.wait_until(is_done)


async def test_jobs_are_done_and_those_that_are_not_due_wait(worker_database: WorkerDatabase) -> None:
    now = datetime.now(UTC)
    for number in range(10):
        await enqueue(worker_database, f"{number}")
    await enqueue(worker_database, "soon", run_at=now + timedelta(seconds=1))
    later = await enqueue(worker_database, "later", run_at=now + timedelta(hours=1))

    async def only_one_is_left() -> bool:
        return await waiting(worker_database) == 1

    async with worker_database.worker(jobs=[recording_job()]):
        await worker_database.wait_until(only_one_is_left)
    assert await worker_database.app.sql.fetchval("SELECT id FROM jobs") == later
    done = await worker_database.effects("postcard")
    assert sorted(done) == sorted([*((f"{number}", 1) for number in range(10)), ("soon", 1)])


async def test_a_job_of_an_event_is_added_once_and_wakes_the_worker(worker_database: WorkerDatabase) -> None:
    async def enqueue_postcards(batch: Batch) -> None:
        for entry in batch.entries:
            for _ in range(2):
                await batch.jobs.add("postcard", derived_id(entry.id, "postcard"), {"text": entry.stream})

    patient = replace(FAST_TIMINGS, sweep_seconds=60.0)
    async with worker_database.worker(recording_consumer(fault=enqueue_postcards), jobs=[recording_job()], timings=patient):
        await create_sample_team(worker_database.app)
        await worker_database.wait_until_recorded()
        await wait_until_done(worker_database)
    events = await worker_database.events()
    assert sorted(stream for stream, _ in await worker_database.effects("postcard")) == [stream for stream, _ in events]


async def test_a_job_that_fails_is_undone_and_tried_again(worker_database: WorkerDatabase) -> None:
    async def fails_twice(run: JobRun) -> None:
        if run.tries < 3:
            raise ValueError("not yet")

    async with worker_database.worker(jobs=[recording_job(after=fails_twice)]):
        await enqueue(worker_database)
        await wait_until_done(worker_database)
    assert await worker_database.effects("postcard") == [("", 3)]


async def test_a_job_that_always_fails_becomes_a_dead_letter_and_holds_up_no_other(worker_database: WorkerDatabase) -> None:
    async def is_poison(run: JobRun) -> None:
        if run.payload["text"] == "poison":
            raise ValueError("cannot be sent\0")

    async with worker_database.worker(jobs=[recording_job(is_poison, max_tries=3, concurrency=1)]):
        poison = await enqueue(worker_database, "poison")
        for number in range(5):
            await enqueue(worker_database, f"{number}")
        await wait_until_done(worker_database)
    assert sorted(await worker_database.effects("postcard")) == [(f"{number}", 1) for number in range(5)]
    assert await worker_database.dead_letters() == [("postcard", None, None, 3)]
    (row,) = await worker_database.app.sql.fetch("SELECT id, source, error FROM dead_letters")
    assert (row["id"], row["source"]) == (poison, "job")
    assert row["error"] == "ValueError: cannot be sent�"

    await replay(worker_services(worker_database.resources, worker_database.resources.database), [], poison)
    assert await worker_database.dead_letters() == []
    async with worker_database.worker(jobs=[recording_job()]):
        await wait_until_done(worker_database)
    assert ("poison", 1) in await worker_database.effects("postcard")


async def test_a_kind_that_hangs_holds_up_no_other(worker_database: WorkerDatabase) -> None:
    forever = asyncio.Event()

    async def hangs(_: JobRun) -> None:
        await forever.wait()

    kinds = [recording_job(hangs, kind="stuck"), recording_job()]
    async with worker_database.worker(jobs=kinds):
        for number in range(10):
            await enqueue(worker_database, f"{number}", kind="stuck")
            await enqueue(worker_database, f"{number}")

        async def is_done() -> bool:
            return len(await worker_database.effects("postcard")) == 10

        await worker_database.wait_until(is_done)
        assert await worker_database.effects("stuck") == []
        forever.set()
        await wait_until_done(worker_database)


async def test_a_job_may_say_when_it_wants_to_be_tried_again(worker_database: WorkerDatabase) -> None:
    async def is_told_to_wait(run: JobRun) -> None:
        if run.tries == 1:
            raise RetryLater(3600.0, "429")

    async def waits() -> bool:
        return bool(await worker_database.app.sql.fetchval("SELECT count(*) FROM jobs WHERE error IS NOT NULL"))

    async with worker_database.worker(jobs=[recording_job(is_told_to_wait)]):
        await enqueue(worker_database)
        await worker_database.wait_until(waits)
    left = await worker_database.app.sql.fetchval("SELECT run_at - clock_timestamp() FROM jobs")
    assert timedelta(minutes=59) < left <= timedelta(hours=1)
    assert await worker_database.effects("postcard") == []


async def test_what_a_worker_records_after_its_lease_has_passed_to_another_is_undone(worker_database: WorkerDatabase) -> None:
    await enqueue(worker_database)
    database = worker_database.resources.database
    (slow,) = await stored_jobs.claim(database, "postcard", 1, lease_seconds=-1.0)
    (other,) = await stored_jobs.claim(database, "postcard", 1, lease_seconds=60.0)
    services = worker_services(worker_database.resources, database)
    handler = recording_job().handle
    with pytest.raises(LeaseLost):
        await handler(JobRun(slow, services))
    assert await worker_database.effects("postcard") == []
    await handler(JobRun(other, services))
    assert await worker_database.effects("postcard") == [("", 2)]
    assert await waiting(worker_database) == 0


async def test_many_workers_do_each_job_once(worker_database: WorkerDatabase) -> None:
    ids = [await enqueue(worker_database, f"{number}") for number in range(40)]
    kinds = [recording_job()]
    async with worker_database.worker(jobs=kinds), worker_database.worker(jobs=kinds), worker_database.worker(jobs=kinds):
        await wait_until_done(worker_database)
    rows = await worker_database.app.sql.fetch("SELECT event_id FROM effects")
    assert sorted(row[0] for row in rows) == sorted(ids)


async def test_a_job_that_never_reports_is_given_up_in_the_end(worker_database: WorkerDatabase) -> None:
    await enqueue(worker_database)
    await worker_database.app.sql.execute("UPDATE jobs SET tries = 3")  # as after three workers that it killed
    async with worker_database.worker(jobs=[recording_job(max_tries=3)]):
        await wait_until_done(worker_database)
    assert await worker_database.effects("postcard") == []
    assert [letter[0] for letter in await worker_database.dead_letters()] == ["postcard"]


async def test_a_clock_that_was_days_ahead_leaves_no_job_behind(worker_database: WorkerDatabase) -> None:
    tried, snoozed = await enqueue(worker_database, "tried"), await enqueue(worker_database, "snoozed")
    await worker_database.app.sql.execute("UPDATE jobs SET run_at = now() + interval '5 days', tries = 1 WHERE id = $1", tried)
    await worker_database.app.sql.execute("UPDATE jobs SET run_at = now() + interval '5 days' WHERE id = $1", snoozed)

    async def only_one_is_left() -> bool:
        return await waiting(worker_database) == 1

    async with worker_database.worker(jobs=[recording_job()]):
        await worker_database.wait_until(only_one_is_left)
    assert await worker_database.effects("postcard") == [("tried", 2)]
