"""Jobs in worker processes of their own: how much memory one takes, and what is left of one that was killed."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

import pytest

from app.seeding import seed_demo_documents
from app.settings import Settings
from embedded.child_process import tied_to_parent
from persistence.unit_of_work import unit_of_work
from resolvers import ids
from seed import seed
from tests.support.app import Person
from tests.support.graph_actions import mutate_ok
from tests.support.jobs import download, read_job, start_job, wait_for_job
from tests.support.large_team import create_large_team
from tests.support.office import furnish, without_ids
from tests.support.server_process import ROOT
from tests.support.teams import uuid_of
from tests.support.uploads import upload_file
from tests.support.workers import WorkerDatabase
from workers.jobs import JOBS

pytestmark = pytest.mark.slow

MAX_GROWTH_MIB = 120


class JobWorker:
    """A process of `tests.support.job_worker` that is ready."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    def peak_mib(self) -> float:
        """The most memory that it ever had."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) / 1024

    async def kill(self) -> None:
        """End it as a crash would."""
        self._process.kill()
        await self._process.wait()


@asynccontextmanager
async def job_worker(database: WorkerDatabase) -> AsyncIterator[JobWorker]:
    """A worker process, killed at the end."""
    command = [sys.executable, "-m", "tests.support.job_worker", database.url, str(database.settings.data_dir)]
    process = await asyncio.create_subprocess_exec(
        *tied_to_parent(command), cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    )
    worker = JobWorker(process)
    try:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"ready\n"
        yield worker
    finally:
        if process.returncode is None:
            await worker.kill()


async def owner_of(database: WorkerDatabase, user_id: UUID) -> Person:
    """Somebody who was inserted by hand."""
    resources = database.app.resources
    async with unit_of_work(resources.database, resources.services.pubsub) as uow:
        user = await uow.users.read_unlocked(user_id)
    assert user is not None
    return Person(user)


@pytest.mark.parametrize(
    "tasks_each", [200, pytest.param(1_000, marks=pytest.mark.long), pytest.param(20_000, marks=pytest.mark.chaos)]
)
async def test_exporting_many_tasks_takes_little_memory(worker_database: WorkerDatabase, tasks_each: int) -> None:
    team = await create_large_team(worker_database.url, tasks_each=tasks_each)
    owner = await owner_of(worker_database, team.viewer)
    team_id = (await worker_database.app.run(owner, "{ teams { nodes { id } } }"))["teams"]["nodes"][0]["id"]
    async with job_worker(worker_database) as worker:
        before = worker.peak_mib()
        for format_ in ("JSON", "CSV", "MARKDOWN_ZIP"):
            job = await start_job(worker_database.app, owner, "exportStart", teamId=team_id, format=format_)
            done = await wait_for_job(worker_database, owner, job, timeout_seconds=300)
            assert (done["state"], done["rowsDone"]) == ("SUCCEEDED", 5 * tasks_each)
        assert worker.peak_mib() - before < MAX_GROWTH_MIB


async def test_a_job_whose_process_was_killed_is_done_by_the_next_once(worker_database: WorkerDatabase) -> None:
    team = await create_large_team(worker_database.url, tasks_each=400)
    owner = await owner_of(worker_database, team.viewer)
    app = worker_database.app
    team_id = (await app.run(owner, "{ teams { nodes { id } } }"))["teams"]["nodes"][0]["id"]
    job = await start_job(app, owner, "exportStart", teamId=team_id, format="CSV")
    async with job_worker(worker_database) as first:

        async def runs() -> bool:
            return bool(await app.sql.fetchval("SELECT count(*) FROM user_jobs WHERE state = 'RUNNING'"))

        await worker_database.wait_until(runs)
        await first.kill()
    assert (await read_job(app, owner, job))["state"] == "RUNNING"
    await app.sql.execute("UPDATE jobs SET run_at = now()")  # its lease has ended
    async with job_worker(worker_database):
        done = await wait_for_job(worker_database, owner, job)
    assert (done["state"], done["rowsDone"]) == ("SUCCEEDED", 2_000)
    lines = (await download(app, done["resultUrl"])).text.splitlines()
    assert len(lines) == len(set(lines)) == 2_001
    assert await app.sql.fetchval("SELECT count(*) FROM jobs") == 0


@pytest.mark.long
async def test_an_import_whose_process_was_killed_is_written_once(worker_database: WorkerDatabase) -> None:
    office = await furnish(worker_database)
    owner, app = office.team.owner, office.app
    copy = await office.copy_team()
    count = "SELECT count(*) FROM tasks WHERE team_id = $1"
    async with job_worker(worker_database) as first:
        content = await office.content(owner, projectId=office.team.project_id)
        upload = await upload_file(app, owner, content, fileName="a.jsonl", contentType="application/octet-stream")
        async with app.sql.acquire() as holder, holder.transaction():
            # All is written when the import waits for the last that it needs: the place of its events in the team's stream.
            await holder.execute("SELECT FROM streams WHERE stream = $1 FOR UPDATE", f"team:{uuid_of(copy)}")
            job = await start_job(app, owner, "importStart", teamId=copy, uploadId=upload["id"], format="JSON")
            waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"

            async def is_written() -> bool:
                return bool(await app.sql.fetchval(waiting))

            await worker_database.wait_until(is_written)
            await first.kill()
    assert await app.sql.fetchval(count, uuid_of(copy)) == 0
    await app.sql.execute("UPDATE jobs SET run_at = now()")  # its lease has ended
    async with job_worker(worker_database):
        done = await wait_for_job(worker_database, owner, job)
    assert (done["state"], done["result"]["tasks"]) == ("SUCCEEDED", 2)
    assert await app.sql.fetchval(count, uuid_of(copy)) == 2
    assert (await read_job(app, office.team.admin, job)) is None


@pytest.mark.long
async def test_the_demo_team_comes_back_the_same(worker_database: WorkerDatabase) -> None:
    app = worker_database.app
    await seed(app.resources.database, "demo", password_hash="of nobody")
    assert await seed_demo_documents(app.resources, Settings(seed_size="demo")) == 3
    largest = "SELECT id, owner_user_id FROM teams ORDER BY (SELECT count(*) FROM tasks WHERE team_id = teams.id) DESC LIMIT 1"
    ((team_id, owner_id),) = await app.sql.fetch(largest)
    owner, source = await owner_of(worker_database, owner_id), ids.encode("Team", team_id)
    copy = (await mutate_ok(app, owner, "teamCreate", name="Copy", key="COPY"))["id"]
    await app.sql.execute(
        "INSERT INTO team_members (team_id, user_id, role, joined_at) SELECT $2, user_id, role, now() FROM team_members"
        " WHERE team_id = $1 AND user_id <> $3",
        *(uuid_of(source), uuid_of(copy), owner.user.id),
    )
    async with worker_database.worker(jobs=JOBS):
        content = await _export(worker_database, owner, source)
        upload = await upload_file(app, owner, content, fileName="a.jsonl", contentType="application/octet-stream")
        job = await start_job(app, owner, "importStart", teamId=copy, uploadId=upload["id"], format="JSON")
        done = await wait_for_job(worker_database, owner, job, timeout_seconds=60)
        assert (done["state"], done["issues"]) == ("SUCCEEDED", [])
        again = await _export(worker_database, owner, copy)
    records = [without_ids([json.loads(line) for line in each.splitlines()]) for each in (content, again)]
    assert len(records[0]) > 200
    assert records[1] == records[0]


@pytest.mark.parametrize(
    "tasks_each", [40, pytest.param(200, marks=pytest.mark.long), pytest.param(4_000, marks=pytest.mark.chaos)]
)
async def test_a_generated_team_comes_back_the_same(worker_database: WorkerDatabase, tasks_each: int) -> None:
    team = await create_large_team(worker_database.url, tasks_each=tasks_each)
    owner, app = await owner_of(worker_database, team.viewer), worker_database.app
    source = (await app.run(owner, "{ teams { nodes { id } } }"))["teams"]["nodes"][0]["id"]
    copy = (await mutate_ok(app, owner, "teamCreate", name="Copy", key="COPY"))["id"]
    await app.sql.execute(
        "INSERT INTO team_members (team_id, user_id, role, joined_at) SELECT $2, user_id, role, now() FROM team_members"
        " WHERE team_id = $1 AND user_id <> $3",
        *(uuid_of(source), uuid_of(copy), team.viewer),
    )
    async with job_worker(worker_database) as worker:
        content = await _export(worker_database, owner, source)
        before = worker.peak_mib()
        upload = await upload_file(app, owner, content, fileName="a.jsonl", contentType="application/octet-stream")
        job = await start_job(app, owner, "importStart", teamId=copy, uploadId=upload["id"], format="JSON")
        done = await wait_for_job(worker_database, owner, job, timeout_seconds=300)
        assert (done["state"], done["issues"], done["result"]["tasks"]) == ("SUCCEEDED", [], 5 * tasks_each)
        assert worker.peak_mib() - before < MAX_GROWTH_MIB
        again = await _export(worker_database, owner, copy)
    records = [without_ids([json.loads(line) for line in each.splitlines()]) for each in (content, again)]
    assert records[1] == records[0]


async def _export(database: WorkerDatabase, owner: Person, team_id: str) -> bytes:
    job = await start_job(database.app, owner, "exportStart", teamId=team_id)
    done = await wait_for_job(database, owner, job, timeout_seconds=300)
    assert done["state"] == "SUCCEEDED", done["message"]
    return (await download(database.app, done["resultUrl"])).content
