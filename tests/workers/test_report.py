"""Reports by a real worker, and their figures in SQL against a naive reference that reads the same rows and events one by one."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest

from domain.job import ReportKind
from domain.task import TaskStatus
from persistence.reports.figures import ReportSource, open_report_source
from tests.conftest import migrate_template
from tests.support.graph_actions import create_project, create_task, mutate
from tests.support.jobs import download, start_job, wait_for_job
from tests.support.teams import SampleTeam, create_sample_team
from tests.support.workers import WorkerDatabase, open_worker_database
from workers.jobs import JOBS

CLOSED = ("DONE", "CANCELED")
STATUSES = [each.value for each in TaskStatus]
SINCE, UNTIL = date(2026, 5, 1), date(2026, 6, 15)


@pytest.fixture(scope="module")
async def history(
    postgres_server: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[WorkerDatabase, SampleTeam]]:
    """A team whose project has tasks with a history of months."""
    from tests.support.backing_services import database_from_template

    async with (
        database_from_template(postgres_server, "migrated", migrate_template) as url,
        open_worker_database(url, tmp_path_factory.mktemp("history")) as database,
    ):
        team = await create_sample_team(database.app)
        await write_history(database, team)
        yield database, team


async def write_history(database: WorkerDatabase, team: SampleTeam) -> None:
    """120 tasks that were created, moved through statuses, reopened and completed, with gaps in the log as trimming leaves them."""
    random, sql, position = Random(7), database.app.sql, 1_000
    people = [each.user.id for each in (team.member, team.mate)]
    for number in range(1, 121):
        at = datetime(2026, 3, 1, tzinfo=UTC) + timedelta(minutes=random.randrange(150 * 24 * 60))
        task_id, status = uuid4(), random.choice(STATUSES[:3])
        created_at, completed_at = at, None
        changes = []
        for _ in range(random.randrange(6)):
            at += timedelta(minutes=random.randrange(20 * 24 * 60))
            after = random.choice([each for each in STATUSES if each != status])
            changes.append((at, status, after))
            completed_at = at if after in CLOSED else None
            status = after
        await sql.execute(
            "INSERT INTO tasks (id, version, created_at, updated_at, team_id, project_id, number, key, title, title_collation, status,"
            " priority, assignee_user_id, due_on, completed_at, estimate, rank) VALUES"
            " ($1, 1, $2, $2, $3, $4, $5, $6, 't', 't', $7, 'NONE', $8, $9, $10, $11, $12)",
            *(task_id, created_at, team.team.id, team.project.id, number, f"H-{number}", status, random.choice([*people, None])),
            *(random.choice([None, date(2026, 5, 1) + timedelta(days=random.randrange(60))]), completed_at),
            *(random.choice([None, 1.0, 2.5]), f"r{number:04}"),
        )
        for when, before, after in changes:
            if random.random() < 0.9:
                position += 1
                await insert_event(database, team, position, task_id, when, before, after, random.choice([*people, None]))


async def insert_event(
    database: WorkerDatabase,
    team: SampleTeam,
    position: int,
    task_id: UUID,
    at: datetime,
    before: str,
    after: str,
    actor: UUID | None,
) -> None:
    changes = [{"field": "title", "before": "a", "after": "b"}, {"field": "status", "before": before, "after": after}]
    await database.app.sql.execute(
        "INSERT INTO events (stream, position, id, type, version, kind, entity_type, entity_id, about_type, about_id, project_id, payload,"
        " actor_user_id, at) VALUES ($1, $2, $3, 'TaskUpdated', 1, 'UPDATED', 'Task', $4, 'Task', $4, $5, $6::text::jsonb, $7, $8)",
        *(f"team:{team.team.id}", position, uuid4(), task_id, team.project.id),
        *(orjson.dumps({"entity": {}, "changes": changes}).decode(), actor, at),
    )


class Reference:
    """The rows and events of a project, counted one by one."""

    def __init__(self, tasks: list[Any], events: list[Any]) -> None:
        self.tasks = tasks
        self.events = events
        self.changes: dict[UUID, list[tuple[datetime, str, str]]] = {task["id"]: [] for task in tasks}
        for event in events:
            for change in json.loads(event["payload"])["changes"]:
                if change["field"] == "status" and event["entity_id"] in self.changes:
                    self.changes[event["entity_id"]].append((event["at"], change["before"], change["after"]))

    @classmethod
    async def read(cls, database: WorkerDatabase, team: SampleTeam) -> "Reference":
        tasks = await database.app.sql.fetch("SELECT * FROM tasks WHERE project_id = $1 AND deleted_at IS NULL", team.project.id)
        events = await database.app.sql.fetch(
            "SELECT entity_id, type, payload::text AS payload, actor_user_id, at FROM events WHERE project_id = $1 ORDER BY at, position",
            team.project.id,
        )
        return cls(tasks, events)

    def status(self, task: Any, at: datetime) -> str:
        """What a task was: the status before its first change after an instant, else that of now."""
        return next((before for when, before, _ in self.changes[task["id"]] if when >= at), task["status"])

    def burn_down(self) -> list[tuple[date, int, int]]:
        found = []
        for offset in range((UNTIL - SINCE).days + 1):
            day = SINCE + timedelta(days=offset)
            end = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)
            there = [task for task in self.tasks if task["created_at"] < end]
            found.append((day, len(there), sum(self.status(task, end) not in CLOSED for task in there)))
        return found

    def cycle_times(self) -> list[tuple[str, float, float | None]]:
        found = []
        for task in self.tasks:
            done = task["completed_at"]
            if task["status"] == "DONE" and SINCE <= done.date() <= UNTIL:
                began = [at for at, _, after in self.changes[task["id"]] if after in ("IN_PROGRESS", "IN_REVIEW") and at <= done]
                cycle = (done - min(began)).total_seconds() / 86400 if began else None
                found.append((task["key"], (done - task["created_at"]).total_seconds() / 86400, cycle))
        return sorted(found)


@pytest.fixture
async def source(history: tuple[WorkerDatabase, SampleTeam]) -> AsyncIterator[ReportSource]:
    database, team = history
    viewer = team.member.user.id
    options: Any = {"team_id": team.team.id, "project_id": team.project.id, "since": SINCE, "until": UNTIL}
    async with open_report_source(database.resources.database, viewer, **options) as opened:
        yield opened


@pytest.fixture
async def reference(history: tuple[WorkerDatabase, SampleTeam]) -> Reference:
    return await Reference.read(*history)


async def test_the_burn_down_is_what_counting_every_day_gives(source: ReportSource, reference: Reference) -> None:
    found = [(row["day"], row["total"], row["open"]) for row in await source.burn_down()]
    assert found == reference.burn_down()
    assert len({row[2] for row in found}) > 10  # it is no straight line


async def test_cycle_and_lead_times_are_what_reading_each_history_gives(source: ReportSource, reference: Reference) -> None:
    found = sorted((row["key"], row["lead_days"], row["cycle_days"]) for row in await source.cycle_times())
    expected = reference.cycle_times()
    assert [each[0] for each in found] == [each[0] for each in expected] != []
    for (_, lead, cycle), (_, expected_lead, expected_cycle) in zip(found, expected, strict=True):
        assert lead == pytest.approx(expected_lead)
        assert cycle == (None if expected_cycle is None else pytest.approx(expected_cycle))


async def test_the_workload_is_what_counting_each_assignee_gives(source: ReportSource, reference: Reference) -> None:
    today = datetime.now(UTC).date()
    for row in await source.workload():
        own = [each for each in reference.tasks if each["assignee_user_id"] == row["user_id"]]
        open_tasks = [each for each in own if each["status"] not in CLOSED]
        assert row["open"] == len(open_tasks)
        assert row["in_progress"] == sum(each["status"] in ("IN_PROGRESS", "IN_REVIEW") for each in own)
        assert row["overdue"] == sum(each["due_on"] is not None and each["due_on"] < today for each in open_tasks)
        assert row["estimate"] == sum(each["estimate"] or 0 for each in open_tasks)
        done = [each for each in own if each["status"] == "DONE" and SINCE <= each["completed_at"].date() <= UNTIL]
        assert row["done_in_span"] == len(done)


async def test_progress_is_what_counting_each_task_gives(source: ReportSource, reference: Reference) -> None:
    (row,) = await source.progress()
    for status in STATUSES:
        assert row[status.lower()] == sum(each["status"] == status for each in reference.tasks)
    assert row["created_in_span"] == sum(SINCE <= each["created_at"].date() <= UNTIL for each in reference.tasks)


async def test_what_is_overdue_is_what_was_due_before_the_last_day(source: ReportSource, reference: Reference) -> None:
    expected = [
        (each["due_on"], each["key"])
        for each in reference.tasks
        if each["status"] not in CLOSED and each["due_on"] is not None and each["due_on"] < UNTIL
    ]
    assert [(row["due_on"], row["key"]) for row in await source.overdue()] == sorted(expected) != []


async def test_activity_is_what_counting_each_event_gives(source: ReportSource, reference: Reference) -> None:
    found = {(row["day"], row["user_id"]): (row["changes"], row["done"]) for row in await source.activity()}
    expected: dict[tuple[date, UUID | None], tuple[int, int]] = {}
    for event in reference.events:
        key = event["at"].date(), event["actor_user_id"]
        if SINCE <= key[0] <= UNTIL:
            changes, done = expected.get(key, (0, 0))
            is_done = any(
                each["field"] == "status" and each["after"] == "DONE" for each in json.loads(event["payload"])["changes"]
            )
            expected[key] = changes + 1, done + is_done
    assert found == expected


# ── as a job ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_each_report_has_figures_a_table_and_a_chart(history: tuple[WorkerDatabase, SampleTeam]) -> None:
    database, team = history
    async with database.worker(jobs=JOBS):
        for kind in ReportKind:
            fields = {"kind": kind.value, "teamId": team.team_id, "from": "2026-05-01", "to": "2026-06-15"}
            job = await start_job(database.app, team.member, "reportStart", **fields)
            done = await wait_for_job(database, team.member, job)
            assert done["state"] == "SUCCEEDED", done["message"]
            assert {key: done["result"][key] for key in ("report", "from", "to")} == {
                "report": kind.value,
                "from": "2026-05-01",
                "to": "2026-06-15",
            }
            kinds = ["application/json", "text/csv", "image/svg+xml"]
            assert [each["contentType"] for each in done["files"]] == kinds
            contents = [(await download(database.app, each["url"])).text for each in done["files"]]
            assert json.loads(contents[0])["rows"] != []
            assert len(contents[1].splitlines()) == len(json.loads(contents[0])["rows"]) + 1
            assert contents[2].startswith("<svg ")


async def test_a_report_counts_only_what_its_person_may_see(worker_database: WorkerDatabase) -> None:
    app = worker_database.app
    team = await create_sample_team(app)
    secret = await create_project(app, team, "Secret", private_to=[])
    await create_task(app, team, "seen")
    await create_task(app, team, "hidden", by=team.owner, projectId=secret)
    async with worker_database.worker(jobs=JOBS):
        for person, tasks in ((team.owner, 2), (team.member, 1), (team.guest, 1)):
            job = await start_job(app, person, "reportStart", kind="PROJECT_PROGRESS", teamId=team.team_id)
            assert (await wait_for_job(worker_database, person, job))["result"]["tasks"] == tasks


async def test_a_span_that_no_report_can_cover_is_refused(worker_database: WorkerDatabase) -> None:
    app = worker_database.app
    team = await create_sample_team(app)
    for fields, code, path in (
        ({}, "REQUIRED", ["input", "teamId"]),
        ({"teamId": team.team_id, "projectId": team.project_id}, "INVALID", ["input", "teamId"]),
        ({"teamId": team.team_id, "from": "2026-06-02", "to": "2026-06-01"}, "INVALID", ["input", "from"]),
        ({"teamId": team.team_id, "from": "2024-01-01", "to": "2026-01-01"}, "LIMIT_EXCEEDED", ["input", "from"]),
        ({"teamId": team.team_id, "to": "9999-12-31"}, "INVALID", ["input", "to"]),
        ({"teamId": team.team_id, "to": "0001-01-01"}, "INVALID", ["input", "to"]),
        ({"teamId": team.team_id, "from": "0001-01-01", "to": "9000-01-01"}, "INVALID", ["input", "from"]),
    ):
        refused = await mutate(app, team.member, "reportStart", "job { id }", kind="BURN_DOWN", **fields)
        assert (refused["job"], [(each["code"], each["path"]) for each in refused["errors"]]) == (None, [(code, path)])
    assert await app.sql.fetchval("SELECT count(*) FROM user_jobs") == 0
