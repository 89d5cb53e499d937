"""Jobs that people start: how they come along, are canceled, wait for each other, and outlive their workers."""

import asyncio
import io
from datetime import timedelta
from typing import Any
from uuid import UUID

from persistence.stores.job import MAX_RUNNING_OF_TEAM
from persistence.unit_of_work import unit_of_work
from tests.support.app import App
from tests.support.graph_actions import (
    create_task,
    mutate,
)
from tests.support.jobs import JOB_UPDATED, read_job, start_job, wait_for_job
from tests.support.subscriptions import open_subscription
from tests.support.teams import create_sample_team, uuid_of
from tests.support.worker_effects import IMPATIENT_TIMINGS
from tests.support.workers import WorkerDatabase
from workers.job import JobKind, JobRun
from workers.jobs import JOBS
from workers.jobs.export import export
from workers.user_job import GIVEN_UP, on_give_up, run_user_job


async def test_a_subscriber_sees_a_job_from_its_start_to_its_end(worker_database: WorkerDatabase) -> None:
    app = worker_database.app
    team = await create_sample_team(app)
    await create_task(app, team)
    job = await start_job(app, team.member, "exportStart", teamId=team.team_id)
    async with open_subscription(app, team.member, JOB_UPDATED, id=job["id"]) as updates:
        seen = [(await updates.next_result())["data"]["jobUpdated"]]
        async with worker_database.worker(jobs=JOBS):
            while seen[-1]["state"] not in ("SUCCEEDED", "FAILED"):
                seen.append((await updates.next_result())["data"]["jobUpdated"])
    assert [each["state"] for each in seen] == ["QUEUED", "RUNNING", "SUCCEEDED"]
    assert [each["version"] for each in seen] == [1, 2, 3]
    assert (seen[-1]["progress"], seen[-1]["rowsDone"], seen[-1]["rowsTotal"]) == (1.0, 1, 1)


async def test_a_canceled_job_leaves_nothing(worker_database: WorkerDatabase) -> None:
    app = worker_database.app
    team = await create_sample_team(app)
    job = await start_job(app, team.member, "exportStart", teamId=team.team_id)
    for _ in range(2):  # canceling twice is no mistake
        canceled = await mutate(app, team.member, "jobCancel", "job { state finishedAt resultUrl }", id=job["id"])
        assert (canceled["errors"], canceled["job"]["state"], canceled["job"]["resultUrl"]) == ([], "CANCELED", None)
    assert await app.sql.fetchval("SELECT count(*) FROM jobs") == 0


async def test_a_running_job_stops_when_it_is_canceled_and_its_file_is_deleted(worker_database: WorkerDatabase) -> None:
    app = worker_database.app
    team = await create_sample_team(app)
    job = await start_job(app, team.member, "exportStart", teamId=team.team_id)
    stored, canceled = asyncio.Event(), asyncio.Event()

    async def slow(run: JobRun) -> None:
        async def do(running: Any) -> None:
            await running.add_file("a.csv", "text/csv", io.BytesIO(b"a"))
            stored.set()
            await canceled.wait()
            async with running.succeed(rows_done=1):
                pass

        await run_user_job(run, do)

    async with worker_database.worker(jobs=[JobKind(kind="export", handle=slow)]):
        await stored.wait()
        await mutate(app, team.member, "jobCancel", "job { id }", id=job["id"])
        canceled.set()
        await worker_database.wait_until(lambda: _is_discarded(app, job))
    assert (await read_job(app, team.member, job))["state"] == "CANCELED"
    assert await app.sql.fetchval("SELECT count(*) FROM dead_letters") == 0


async def _is_discarded(app: App, job: Any) -> bool:
    key = f"jobs/{uuid_of(job['id'])}/1/0"
    return bool(await app.sql.fetchval("SELECT count(*) FROM discarded_blobs WHERE key = $1", key))


async def test_jobs_of_a_person_run_one_after_the_other_and_few_of_a_team_at_once(worker_database: WorkerDatabase) -> None:
    app = worker_database.app
    team = await create_sample_team(app)
    running: set[UUID] = set()
    most = [0]
    done = []

    async def handle(run: JobRun) -> None:
        async def do(one: Any) -> None:
            running.add(one.job.creator_id)
            most[0] = max(most[0], len(running))
            await asyncio.sleep(0.02)
            done.append(one.job.id)
            running.discard(one.job.creator_id)
            async with one.succeed(rows_done=1):
                pass

        await run_user_job(run, do)

    people = (team.owner, team.admin, team.member, team.mate)
    jobs = [await start_job(app, person, "exportStart", teamId=team.team_id) for _ in range(2) for person in people]
    async with worker_database.worker(jobs=[JobKind(kind="export", handle=handle, concurrency=4)]):
        for person, job in zip(people * 2, jobs, strict=True):
            assert (await wait_for_job(worker_database, person, job))["state"] == "SUCCEEDED"
    assert len(done) == len(set(done)) == 8
    assert most[0] <= MAX_RUNNING_OF_TEAM
    for index in range(len(people)):
        assert done.index(uuid_of(jobs[index]["id"])) < done.index(uuid_of(jobs[index + len(people)]["id"]))


async def test_more_jobs_than_may_wait_are_refused(worker_database: WorkerDatabase) -> None:
    app = worker_database.app
    team = await create_sample_team(app)
    for _ in range(10):
        await start_job(app, team.member, "exportStart", teamId=team.team_id)
    refused = await mutate(app, team.member, "exportStart", "job { id }", teamId=team.team_id)
    assert [(each["code"], each["limit"]) for each in refused["errors"]] == [("LIMIT_EXCEEDED", 10)]
    assert await app.sql.fetchval("SELECT count(*) FROM user_jobs") == 10


async def test_a_job_whose_worker_died_is_done_by_another_once(worker_database: WorkerDatabase) -> None:
    app = worker_database.app
    team = await create_sample_team(app)
    await create_task(app, team)
    job = await start_job(app, team.member, "exportStart", teamId=team.team_id)
    reached, never = asyncio.Event(), asyncio.Event()

    async def hang(run: JobRun) -> None:
        async def do(running: Any) -> None:
            await running.add_file("half.csv", "text/csv", io.BytesIO(b"half"))
            reached.set()
            await never.wait()

        await run_user_job(run, do)

    with_short_lease = JobKind(kind="export", handle=hang, lease_seconds=0.3, timeout_seconds=60)
    task = asyncio.get_running_loop().create_task(_work_until_canceled(worker_database, with_short_lease))
    await reached.wait()
    await asyncio.sleep(0.5)  # longer than the lease, which is renewed
    assert await app.sql.fetchval("SELECT tries FROM jobs") == 1
    task.cancel()
    await asyncio.wait([task])
    async with worker_database.worker(jobs=[export]):
        done = await wait_for_job(worker_database, team.member, job)
    assert (done["state"], done["rowsDone"]) == ("SUCCEEDED", 1)
    assert await app.sql.fetchval("SELECT attempt FROM user_jobs") == 2
    assert await _is_discarded(app, job)  # what the first try had stored


async def _work_until_canceled(database: WorkerDatabase, kind: JobKind) -> None:
    async with database.worker(jobs=[kind], timings=IMPATIENT_TIMINGS):
        await asyncio.Event().wait()


async def test_a_job_that_always_fails_becomes_a_dead_letter_and_its_person_is_told(worker_database: WorkerDatabase) -> None:
    app = worker_database.app
    team = await create_sample_team(app)
    job = await start_job(app, team.member, "exportStart", teamId=team.team_id)

    async def fail(run: JobRun) -> None:
        async def do(running: Any) -> None:
            raise RuntimeError("a bug")

        await run_user_job(run, do)

    async with worker_database.worker(jobs=[JobKind(kind="export", handle=fail, max_tries=2, on_give_up=on_give_up)]):
        done = await wait_for_job(worker_database, team.member, job)
    assert (done["state"], done["message"], done["resultUrl"]) == ("FAILED", GIVEN_UP, None)
    assert await app.sql.fetchval("SELECT count(*) FROM dead_letters WHERE name = 'export'") == 1


async def test_a_team_that_is_gone_by_then_is_not_exported(worker_database: WorkerDatabase) -> None:
    app = worker_database.app
    team = await create_sample_team(app)
    job = await start_job(app, team.member, "exportStart", projectId=team.project_id)
    await mutate(app, team.owner, "projectDelete", "", id=team.project_id)
    async with worker_database.worker(jobs=JOBS):
        done = await wait_for_job(worker_database, team.member, job)
    assert (done["state"], done["message"], done["files"]) == ("FAILED", "Not found.", [])


async def test_jobs_are_deleted_a_month_after_their_end(worker_database: WorkerDatabase) -> None:
    app = worker_database.app
    team = await create_sample_team(app)
    job = await start_job(app, team.member, "exportStart", teamId=team.team_id)
    async with worker_database.worker(jobs=JOBS):
        await wait_for_job(worker_database, team.member, job)
    for age, left in ((timedelta(days=29), 1), (timedelta(days=31), 0)):
        await app.sql.execute("UPDATE user_jobs SET finished_at = now() - $1::interval", age)
        async with unit_of_work(app.resources.database, app.resources.services.pubsub) as uow:
            await uow.jobs.remove_older(uow.now - timedelta(days=30), uow.now, limit=10)
        assert await app.sql.fetchval("SELECT count(*) FROM user_jobs") == left
    assert await _is_discarded(app, job)
