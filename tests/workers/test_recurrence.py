"""When the day of the next task of a series comes, a worker makes it once, whoever else is at it and whatever breaks off."""

import asyncio
from datetime import UTC, date, datetime, timedelta

from app.worker import worker_services
from domain import task as tasks
from domain.events import derived_id
from persistence.unit_of_work import unit_of_work
from resolvers import ids
from tests.support.graph_actions import create_task, fetch_task, mutate_ok
from tests.support.teams import create_sample_team, uuid_of
from tests.support.workers import WorkerDatabase
from workers.job import JobWriter
from workers.jobs.recurrence import recurrence
from workers.schedule import ScheduledRun
from workers.schedules.recurrences import recurrences

TODAY = datetime.now(UTC).date()
FIELDS = "title dueOn recurrence creator { id } assignee { id } status activity(first: 5) { nodes { actor { id } kind } }"


def day(offset: int) -> str:
    return (TODAY + timedelta(days=offset)).isoformat()


async def run_schedule(database: WorkerDatabase, *, now: datetime | None = None) -> None:
    """One run of the schedule, as if it were `now`."""
    resources = database.resources
    services = worker_services(resources, resources.database)
    async with unit_of_work(resources.database, resources.services.pubsub) as uow:
        uow.now = now or datetime.now(UTC)
        run = ScheduledRun(previous_at=uow.now, due_at=uow.now, uow=uow, jobs=JobWriter(uow.connection), services=services)
        await recurrences.handle(run)


async def work_until_done(database: WorkerDatabase) -> None:
    """Let a worker do what is enqueued."""

    async def done() -> bool:
        return not await database.app.sql.fetchval("SELECT count(*) FROM jobs")

    async with database.worker(jobs=[recurrence]):
        await database.wait_until(done)


async def series(database: WorkerDatabase) -> list[tuple[str, bool]]:
    """Due days of all tasks, and whether a series goes on from each."""
    rows = await database.app.sql.fetch("SELECT due_on, recurrence IS NOT NULL FROM tasks ORDER BY due_on, number")
    return [(row[0].isoformat(), row[1]) for row in rows]


async def test_the_next_one_is_made_when_its_day_comes_in_nobodys_name(worker_database: WorkerDatabase) -> None:
    app = worker_database.app
    team = await create_sample_team(app)
    task = await create_task(app, team, "Backup", recurrence="FREQ=DAILY", dueOn=day(-1), assigneeId=team.mate.id)
    await create_task(app, team, "Later", recurrence="FREQ=WEEKLY", dueOn=day(-1))
    await run_schedule(worker_database)
    await work_until_done(worker_database)
    assert await series(worker_database) == [(day(-1), False), (day(-1), True), (day(0), True)]
    next_id = derived_id(uuid_of(task["id"]), "recurrence", TODAY)
    made = await fetch_task(app, team.member, ids.encode("Task", next_id), FIELDS)
    assert made == {
        "title": "Backup",
        "dueOn": day(0),
        "recurrence": "FREQ=DAILY",
        "creator": None,
        "assignee": {"id": team.mate.id},
        "status": "TODO",
        "activity": {"nodes": [{"actor": None, "kind": "CREATED"}]},
    }


async def test_days_on_which_nobody_worked_are_passed(worker_database: WorkerDatabase) -> None:
    app = worker_database.app
    team = await create_sample_team(app)
    await create_task(app, team, recurrence="FREQ=DAILY;COUNT=30", dueOn=day(-10))
    for _ in range(3):
        await run_schedule(worker_database)
        await work_until_done(worker_database)
    assert await series(worker_database) == [(day(-10), False), (day(0), True)]
    assert await app.sql.fetchval("SELECT recurrence FROM tasks WHERE recurrence IS NOT NULL") == "FREQ=DAILY;COUNT=20"


async def test_runs_workers_and_people_at_once_make_one(worker_database: WorkerDatabase) -> None:
    app = worker_database.app
    team = await create_sample_team(app)
    made = [await create_task(app, team, recurrence="FREQ=DAILY", dueOn=day(-1)) for _ in range(3)]

    async def close_all() -> None:
        for task in made:
            await mutate_ok(app, team.member, "taskUpdate", id=task["id"], status="DONE")

    await asyncio.gather(*(run_schedule(worker_database) for _ in range(3)), close_all(), close_all())
    await run_schedule(worker_database)
    await asyncio.gather(work_until_done(worker_database), work_until_done(worker_database))
    assert sorted(await series(worker_database)) == sorted([(day(-1), False), (day(0), True)] * 3)


async def test_what_was_broken_off_before_its_commit_is_done_once(worker_database: WorkerDatabase) -> None:
    app, resources = worker_database.app, worker_database.resources
    team = await create_sample_team(app)
    task_id = uuid_of((await create_task(app, team, recurrence="FREQ=DAILY", dueOn=day(-1)))["id"])
    await run_schedule(worker_database)
    try:
        async with unit_of_work(resources.database, resources.services.pubsub) as uow:
            assert await tasks.make_due(uow, task_id, TODAY) is not None
            raise RuntimeError
    except RuntimeError:
        assert await series(worker_database) == [(day(-1), True)]
    await work_until_done(worker_database)
    for _ in range(2):  # as if the job were tried again
        async with unit_of_work(resources.database, resources.services.pubsub) as uow:
            assert await tasks.make_due(uow, task_id, TODAY) is None
    assert await series(worker_database) == [(day(-1), False), (day(0), True)]


async def test_the_day_is_that_of_the_assignee_or_else_of_the_creator(worker_database: WorkerDatabase) -> None:
    app = worker_database.app
    team = await create_sample_team(app)
    zones = {team.mate.user.id: "Pacific/Kiritimati", team.member.user.id: "Pacific/Pago_Pago"}
    for user_id, zone in zones.items():
        await app.sql.execute("UPDATE users SET time_zone = $2 WHERE id = $1", user_id, zone)
    await create_task(app, team, "East", recurrence="FREQ=DAILY", dueOn="2026-06-01", assigneeId=team.mate.id)
    await create_task(app, team, "West", recurrence="FREQ=DAILY", dueOn="2026-06-01")

    async def due(now: str) -> list[str]:
        await app.sql.execute("DELETE FROM jobs")
        await run_schedule(worker_database, now=datetime.fromisoformat(now))
        query = "SELECT title FROM tasks JOIN jobs ON jobs.payload->>'taskId' = tasks.id::text ORDER BY title"
        return [row[0] for row in await app.sql.fetch(query)]

    assert await due("2026-06-01T09:59:00+00:00") == []
    assert await due("2026-06-01T10:00:00+00:00") == ["East"]
    assert await due("2026-06-02T10:59:00+00:00") == ["East"]
    assert await due("2026-06-02T11:00:00+00:00") == ["East", "West"]


async def test_nothing_is_made_in_what_is_archived_or_deleted(worker_database: WorkerDatabase) -> None:
    app, resources = worker_database.app, worker_database.resources
    team = await create_sample_team(app)
    task = await create_task(app, team, recurrence="FREQ=DAILY", dueOn=day(-1))

    async def make() -> int:
        await run_schedule(worker_database)
        async with unit_of_work(resources.database, resources.services.pubsub) as uow:
            await tasks.make_due(uow, uuid_of(task["id"]), TODAY)
        jobs: int = await app.sql.fetchval("SELECT count(*) FROM jobs WHERE kind = 'recurrence'")
        return jobs + len(await series(worker_database)) - 1

    await mutate_ok(app, team.owner, "projectUpdate", id=team.project_id, status="ARCHIVED")
    assert await make() == 0
    await mutate_ok(app, team.owner, "projectUpdate", id=team.project_id, status="ACTIVE")
    await mutate_ok(app, team.member, "taskDelete", id=task["id"])
    assert await make() == 0
    await mutate_ok(app, team.member, "taskRestore", id=task["id"])
    await mutate_ok(app, team.owner, "projectDelete", id=team.project_id)
    assert await make() == 0
    await mutate_ok(app, team.owner, "projectRestore", id=team.project_id)
    assert await make() == 2


async def test_a_day_that_was_changed_meanwhile_is_the_one_that_counts(worker_database: WorkerDatabase) -> None:
    app = worker_database.app
    team = await create_sample_team(app)
    task = await create_task(app, team, recurrence="FREQ=DAILY", dueOn=day(-1))
    await run_schedule(worker_database)
    await mutate_ok(app, team.member, "taskUpdate", id=task["id"], dueOn=day(5))
    await work_until_done(worker_database)
    assert await series(worker_database) == [(day(5), True)]
    assert await app.sql.fetchval("SELECT recurs_on FROM tasks") == date.fromisoformat(day(6))
