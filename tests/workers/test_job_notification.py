"""Who started a job that takes a while is notified of its end, once; of one that was quick or canceled, nobody."""

from typing import Any

from tests.support.app import App, Person
from tests.support.graph_actions import create_task, mutate
from tests.support.jobs import read_job, start_job, wait_for_job
from tests.support.teams import SampleTeam, create_sample_team, uuid_of
from tests.support.workers import WorkerDatabase
from workers.job import JobKind, JobRun
from workers.jobs import JOBS
from workers.user_job import JobRefused, on_give_up, run_user_job

_INBOX = """{ notifications { nodes { reason eventCount subject { __typename ... on Job { id state } } } } }"""


async def inbox(app: App, person: Person) -> list[Any]:
    """What stands in a person's inbox."""
    found: list[Any] = (await app.run(person, _INBOX))["notifications"]["nodes"]
    return found


async def start_earlier(app: App, team: SampleTeam, seconds: int) -> Any:
    """An export that was asked for so many seconds ago."""
    job = await start_job(app, team.member, "exportStart", teamId=team.team_id)
    query = "UPDATE user_jobs SET created_at = created_at - make_interval(secs => $2) WHERE id = $1"
    await app.sql.execute(query, uuid_of(job["id"]), seconds)
    return job


async def test_of_a_job_that_took_long_its_person_is_notified(worker_database: WorkerDatabase) -> None:
    app = worker_database.app
    team = await create_sample_team(app)
    await create_task(app, team)
    quick = await start_job(app, team.mate, "exportStart", teamId=team.team_id)
    canceled = await start_earlier(app, team, 60)
    await mutate(app, team.member, "jobCancel", "job { id }", id=canceled["id"])
    long = await start_earlier(app, team, 11)
    async with worker_database.worker(jobs=JOBS):
        for person, job in ((team.mate, quick), (team.member, long)):
            assert (await wait_for_job(worker_database, person, job))["state"] == "SUCCEEDED"
    told = {"__typename": "Job", "id": long["id"], "state": "SUCCEEDED"}
    assert await inbox(app, team.member) == [{"reason": "JOB_FINISHED", "eventCount": 1, "subject": told}]
    assert await inbox(app, team.mate) == await inbox(app, team.owner) == []


async def test_of_a_job_that_has_failed_too(worker_database: WorkerDatabase) -> None:
    app = worker_database.app
    team = await create_sample_team(app)
    refused = await start_earlier(app, team, 11)
    given_up = await start_earlier(app, team, 12)

    async def fail(run: JobRun) -> None:
        async def do(_: Any) -> None:
            if run.id == uuid_of(refused["id"]):
                raise JobRefused("Row 2 is wrong.")
            raise RuntimeError("a bug")

        await run_user_job(run, do)

    kind = JobKind(kind="export", handle=fail, max_tries=1, on_give_up=on_give_up)
    async with worker_database.worker(jobs=[kind]):
        for job in (refused, given_up):
            assert (await wait_for_job(worker_database, team.member, job))["state"] == "FAILED"
    assert {each["subject"]["id"] for each in await inbox(app, team.member)} == {refused["id"], given_up["id"]}
    assert {each["reason"] for each in await inbox(app, team.member)} == {"JOB_FINISHED"}


async def test_not_where_they_chose_otherwise(worker_database: WorkerDatabase) -> None:
    app = worker_database.app
    team = await create_sample_team(app)
    chosen = [{"reason": "JOB_FINISHED", "channels": []}]
    assert (await mutate(app, team.member, "notificationPreferencesUpdate", "", set=chosen))["errors"] == []
    job = await start_earlier(app, team, 11)
    async with worker_database.worker(jobs=JOBS):
        await wait_for_job(worker_database, team.member, job)
    assert (await read_job(app, team.member, job))["state"] == "SUCCEEDED"
    assert await inbox(app, team.member) == []
