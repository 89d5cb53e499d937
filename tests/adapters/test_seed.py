"""The made-up rows: complete, the same every time, and such as the domain itself could have written."""

import asyncio
import re
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar
from uuid import RFC_4122, UUID

import pytest
from sqlalchemy import select
from sqlalchemy.sql.schema import Table

import migrations
from content.text.link_targets import read_link_targets
from domain import text
from domain.codec import decode
from domain.comment import Comment, mentioned_users
from domain.email_address import validate_email
from domain.events import Entry
from domain.label import Label
from domain.permissions import Role
from domain.project import Project, ProjectStatus, ProjectVisibility
from domain.task import CLOSED, Task, TaskStatus
from domain.task_link import INVERSE, TaskLink, TaskLinkKind
from domain.team import Membership, Team
from domain.user import User
from persistence import tables
from persistence.engine.database import Database, open_database
from persistence.engine.rows import columns, to_entity
from persistence.engine.statement import Statement
from persistence.transaction import Transaction
from persistence.unit_of_work import SqlUnitOfWork
from persistence.workers import cursors
from seed import DEMO_EMAIL, SECOND_EMAIL, Scale, SeedReport, seed
from seed.timeline import to_office_hours
from tests.support.backing_services import database_from_template

T = TypeVar("T")

TODAY = datetime(2026, 11, 18, tzinfo=UTC)
HASH = "$argon2id$not-a-real-one"


async def _migrate(url: str) -> None:
    await asyncio.to_thread(migrations.upgrade, url)


@asynccontextmanager
async def _empty_database(server: str) -> AsyncIterator[Database]:
    async with database_from_template(server, "migrated", _migrate) as url, open_database(url, max_connections=3) as database:
        yield database


@pytest.fixture(scope="module")
async def database(postgres_server: str) -> AsyncIterator[Database]:
    """The demo, which these tests only read."""
    async with _empty_database(postgres_server) as database:
        await seed(database, "demo", password_hash=HASH, anchor=TODAY)
        yield database


async def _load_all(database: Database, cls: type[T], table: Table) -> list[T]:
    return [to_entity(cls, row) for row in await database.fetch(Statement(select(*columns(cls, table))))]


async def _query(database: Database, sql: str) -> list[tuple[Any, ...]]:
    async with database.pool.acquire() as raw:
        return [tuple(row) for row in await raw.fetch(sql)]


async def _dump(database: Database) -> dict[str, tuple[Any, ...]]:
    """For each table how many rows it has, and a hash of all that stands in them."""
    hashed = "SELECT count(*), md5(string_agg(row::text, E'\\n' ORDER BY row::text)) FROM {} AS row"
    return {table.name: (await _query(database, hashed.format(table.name)))[0] for table in tables.metadata.sorted_tables}


async def test_the_demo_is_what_was_promised(database: Database) -> None:
    teams = await _load_all(database, Team, tables.teams)
    members = await _load_all(database, Membership, tables.team_members)
    projects = await _load_all(database, Project, tables.projects)
    counts = {name: count for name, (count, _) in (await _dump(database)).items()}
    main = next(team for team in teams if team.key == "ENG")
    assert (counts["users"], counts["teams"], counts["projects"]) == (12, 2, 6)
    assert 290 <= counts["tasks"] <= 310
    assert 140 <= counts["comments"] <= 160
    assert counts["labels"] == 11
    assert min(counts[name] for name in ("comment_reactions", "task_links", "watchers", "seen_marks")) > 50
    roles = [member.role for member in members if member.team_id == main.id]
    assert {role: roles.count(role) for role in Role} == {Role.OWNER: 1, Role.ADMIN: 2, Role.MEMBER: 7, Role.GUEST: 2}
    assert sorted(project.status for project in projects if project.status is not ProjectStatus.ACTIVE) == [
        ProjectStatus.ARCHIVED,
        ProjectStatus.COMPLETED,
    ]
    assert [project.visibility for project in projects].count(ProjectVisibility.PRIVATE) == 1


async def test_the_demo_user_owns_the_main_team_and_signs_in_as_one_other_person_does(database: Database) -> None:
    signing_in = await _query(
        database, "SELECT email, first_name, password_hash FROM users WHERE password_hash IS NOT NULL ORDER BY email"
    )
    assert signing_in == [(DEMO_EMAIL, "Dana", HASH), (SECOND_EMAIL, "Priya", HASH)]
    owners = "SELECT email FROM teams JOIN users ON users.id = owner_user_id WHERE key = 'ENG'"
    assert await _query(database, owners) == [(DEMO_EMAIL,)]


async def test_the_same_day_gives_the_same_rows(database: Database, postgres_server: str) -> None:
    async with _empty_database(postgres_server) as another:
        await seed(another, "demo", password_hash=HASH, anchor=TODAY)
        assert await _dump(another) == await _dump(database)


async def test_ids_and_texts_are_the_same_on_another_day(database: Database, postgres_server: str) -> None:
    results = "SELECT id, key, title, status FROM tasks ORDER BY id"
    async with _empty_database(postgres_server) as another:
        await seed(another, "demo", password_hash=HASH, anchor=TODAY + timedelta(days=100))
        assert await _query(another, results) == await _query(database, results)


async def test_who_has_users_is_left_alone(postgres_server: str) -> None:
    async with _empty_database(postgres_server) as database:
        reports = await asyncio.gather(*[seed(database, "demo", password_hash=HASH, anchor=TODAY) for _ in range(2)])
        assert sorted(str(report.skipped) for report in reports) == ["None", "there are users already."]
        before = await _dump(database)
        assert await seed(database, "large", password_hash=HASH) == SeedReport(size="large", skipped="there are users already.")
        assert await _dump(database) == before


async def test_nothing_is_written_when_nothing_is_asked_for(postgres_server: str) -> None:
    async with _empty_database(postgres_server) as database:
        before = await _dump(database)
        report = await seed(database, "none", password_hash=HASH)
        assert str(report) == "Seed none: nothing was asked for."
        assert await _dump(database) == before


async def test_positions_have_no_gaps_and_times_never_go_back(database: Database) -> None:
    streams = defaultdict(list)
    for entry in sorted(await _load_all(database, Entry, tables.events), key=lambda entry: (entry.stream, entry.position)):
        streams[entry.stream].append(entry)
    heads = dict(await _query(database, "SELECT stream, position FROM streams"))
    assert {stream: [entry.position for entry in entries] for stream, entries in streams.items()} == {
        stream: list(range(1, head + 1)) for stream, head in heads.items()
    }
    for entries in streams.values():
        assert sorted(entries, key=lambda entry: (entry.at, entry.id)) == entries
        assert entries[-1].at < TODAY


async def test_what_the_log_says_last_is_what_the_rows_say(database: Database) -> None:
    entries = await _load_all(database, Entry, tables.events)
    results = {entry.entity_id: entry.payload["entity"] for entry in sorted(entries, key=lambda entry: entry.position)}
    kinds: list[tuple[type[Any], Table]] = [
        (Task, tables.tasks),
        (Comment, tables.comments),
        (Project, tables.projects),
        (Label, tables.labels),
        (Team, tables.teams),
        (User, tables.users),
    ]
    for cls, table in kinds:
        for row in await _load_all(database, cls, table):
            assert decode(cls, results[row.id]) == row


async def test_keys_count_each_teams_tasks_and_ranks_sort_each_projects(database: Database) -> None:
    tasks, teams = await _load_all(database, Task, tables.tasks), await _load_all(database, Team, tables.teams)
    last_numbers = dict(await _query(database, "SELECT key, last_task_number FROM teams"))
    for team in teams:
        own = sorted((task for task in tasks if task.team_id == team.id), key=lambda task: task.number)
        assert [task.key for task in own] == [f"{team.key}-{number}" for number in range(1, last_numbers[team.key] + 1)]
        assert sorted(own, key=lambda task: task.created_at) == own
    assert len({(task.project_id, task.rank) for task in tasks}) == len(tasks)
    assert max(len(task.rank) for task in tasks) < 8


async def test_only_who_may_see_a_project_has_to_do_with_it(database: Database) -> None:
    tasks, comments = await _load_all(database, Task, tables.tasks), await _load_all(database, Comment, tables.comments)
    watching = await _query(database, "SELECT project_id, user_id FROM watchers JOIN tasks ON tasks.id = subject_id")
    for project in await _load_all(database, Project, tables.projects):
        involved = {user_id for project_id, user_id in watching if project_id == project.id}
        involved |= {
            user_id for task in tasks if task.project_id == project.id for user_id in (task.assignee_id, task.creator_id)
        }
        for comment in comments:
            if comment.project_id == project.id:
                involved |= {comment.author_id, *comment.mention_ids}
        async with AsyncExitStack() as stack:
            stores = SqlUnitOfWork(Transaction(database, stack, lock_rows=True))
            readers, members = await stores.projects.readers(project.id), await stores.projects.members(project.id)
        assert involved - {None} <= readers
        assert {project.creator_id, project.lead_id} <= members
        if project.visibility is ProjectVisibility.PRIVATE:
            assert readers == members
            assert 3 <= len(members) < 12


async def test_a_board_looks_alive(database: Database) -> None:
    tasks, today = await _load_all(database, Task, tables.tasks), TODAY.date()
    assert {task.status for task in tasks} == set(TaskStatus)
    open_days = [task.due_on for task in tasks if task.status not in CLOSED and task.due_on is not None]

    def due(first: date, last: date) -> int:
        return sum(first <= day <= last for day in open_days)

    assert due(today - timedelta(days=30), today - timedelta(days=1)) > 5
    assert due(today, today) > 2
    assert due(today + timedelta(days=1), today + timedelta(days=14)) > 20
    assert all(task.start_on <= task.due_on for task in tasks if task.start_on and task.due_on)
    depths = {task.id: 0 for task in tasks if task.parent_id is None}
    for task in sorted(tasks, key=lambda task: task.number):
        depths[task.id] = 0 if task.parent_id is None else depths[task.parent_id] + 1
    assert set(depths.values()) == {0, 1, 2}
    assert len({task.title for task in tasks}) == len(tasks)


async def test_links_have_two_sides_and_nothing_blocks_itself(database: Database) -> None:
    links = {link.id: link for link in await _load_all(database, TaskLink, tables.task_links)}
    for link in links.values():
        twin = links[link.twin_id]
        expected = (link.id, link.target_id, link.task_id, INVERSE[link.kind])
        assert (twin.twin_id, twin.task_id, twin.target_id, twin.kind) == expected
    blocked = defaultdict(set)
    for link in links.values():
        if link.kind is TaskLinkKind.BLOCKS:
            blocked[link.task_id].add(link.target_id)
    for task_id in list(blocked):
        below, found = list(blocked[task_id]), set[UUID]()
        while below:
            target = below.pop()
            below += blocked.get(target, set()) - found
            found.add(target)
        assert task_id not in found


async def test_every_text_could_have_come_in_by_the_front_door(database: Database) -> None:
    for task in await _load_all(database, Task, tables.tasks):
        assert text.validate_line(task.title, ("title",), limit=text.MAX_TITLE_CHARS) == task.title
        assert text.validate_optional_markdown(task.description, ("description",)) == task.description
    for person in await _load_all(database, User, tables.users):
        assert validate_email(person.email_address, ("email",)) == person.email_address
    comments = await _load_all(database, Comment, tables.comments)
    mentioned = [mentioned_users(read_link_targets(each.body, re.compile("user:"))) for each in comments]
    assert [set(each.mention_ids) for each in comments] == list(map(set, mentioned))
    assert sum(map(len, mentioned)) > 10
    assert sum(comment.resolved_at is not None for comment in comments) > 10
    assert sum(comment.parent_id is not None for comment in comments) > 50
    assert not [comment.body for comment in comments if "@b" in comment.body or "@c" in comment.body]


async def test_ids_are_of_version_7(database: Database) -> None:
    for table in (tables.users, tables.teams, tables.labels, tables.projects, tables.tasks, tables.comments, tables.events):
        ids = [id_ for (id_,) in await _query(database, f"SELECT id FROM {table.name}")]
        assert {(UUID(str(id_)).version, UUID(str(id_)).variant) for id_ in ids} == {(7, RFC_4122)}


@pytest.mark.slow
async def test_large_is_as_large_as_asked_for_and_the_same_every_time(postgres_server: str) -> None:
    scale = Scale(teams=8, tasks=30, comments=60, logged_teams=2)
    dumps = []
    for _ in range(2):
        async with _empty_database(postgres_server) as database:
            report = await seed(database, "large", password_hash=HASH, anchor=TODAY, scale=scale)
            dumps.append(await _dump(database))
            counts = {name: count for name, (count, _) in dumps[-1].items() if name in report.rows}
            assert counts == report.rows
            positions = "SELECT count(*), max(position), count(DISTINCT stream) FROM events GROUP BY stream"
            assert await _query(database, positions) == [(150, 150, 1), (150, 150, 1)]
            owner = "SELECT email FROM teams JOIN users ON users.id = owner_user_id ORDER BY teams.id LIMIT 1"
            assert await _query(database, owner) == [(DEMO_EMAIL,)]
            misnamed = (
                "SELECT tasks.key FROM tasks JOIN teams ON teams.id = team_id WHERE tasks.key <> teams.key || '-' || number"
            )
            assert await _query(database, misnamed) == []
    assert {name: dumps[0][name][0] for name in ("users", "teams", "projects", "tasks", "comments", "events")} == {
        "users": 80,
        "teams": 8,
        "projects": 40,
        "tasks": 1200,
        "comments": 2400,
        "events": 300,
    }
    assert dumps[0] == dumps[1]


async def test_consumers_that_are_known_read_nothing_of_what_was_generated(postgres_server: str) -> None:
    async with _empty_database(postgres_server) as database:
        await cursors.register(database, "notifications", from_now=True)
        scale = Scale(teams=1, tasks=30, comments=2, logged_teams=1)
        await seed(database, "large", password_hash=HASH, anchor=TODAY, scale=scale)
        behind = "SELECT consumer, c.position = s.position FROM streams AS s LEFT JOIN consumer_cursors AS c USING (stream)"
        assert await _query(database, behind) == [("notifications", True)]


def test_office_hours_keep_the_order_and_the_nights_free() -> None:
    instants = [TODAY + timedelta(minutes=17 * step) for step in range(1000)]
    worked = [to_office_hours(at) for at in instants]
    assert sorted(set(worked)) == worked
    assert {at.weekday() for at in worked} == {0, 1, 2, 3, 4}
    assert {at.hour for at in worked} <= set(range(7, 20))
    assert all(to_office_hours(at) < TODAY for at in (TODAY - timedelta(seconds=1), TODAY - timedelta(days=3)))
