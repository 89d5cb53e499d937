"""How many rows a page reads: bounded by the page, for every list, order and filter, however many rows there are."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from domain.page import AllOf, Condition, Order, Paging, Where
from persistence.engine import index_ranges
from persistence.engine.database import open_database
from persistence.engine.pages import ListQuery
from persistence.stores.task_queries import ASSIGNED_TASKS, PROJECT_TASKS, TASKS
from tests.conftest import migrate_template
from tests.support.large_team import CountingDatabase, LargeTeam, create_large_team, read_page

PAGE_ROWS = 50
MAX_ROWS_READ = 50 * PAGE_ROWS
OPEN = ["BACKLOG", "TODO", "IN_PROGRESS", "IN_REVIEW"]
LISTS = {"tasks": TASKS, "project.tasks": PROJECT_TASKS, "user.assignedTasks": ASSIGNED_TASKS}
_NOT_DELETED = Condition("deleted_at", "is_null", True)


@pytest.fixture(scope="module", params=[600, pytest.param(2_100, marks=pytest.mark.long)])
async def large_team(request: pytest.FixtureRequest, postgres_server: str) -> AsyncIterator[LargeTeam]:
    """3,000 tasks, or 10,500, beside as many of another team, in a database of their own."""
    from tests.support.backing_services import database_from_template

    async with database_from_template(postgres_server, "migrated", migrate_template) as url:
        yield await create_large_team(url, tasks_each=request.param)


@pytest.fixture(scope="module")
async def counting(large_team: LargeTeam) -> AsyncIterator[CountingDatabase]:
    """The database, counting what is read."""
    async with open_database(large_team.url, max_connections=2) as database:
        yield CountingDatabase(database)


def filters(team: LargeTeam) -> dict[str, Where]:
    """A condition of every field, with operators that differ in how many rows match."""
    now = datetime.now(UTC)
    return {
        "everything": _NOT_DELETED,
        "deleted too": AllOf(()),
        "project": Condition("project", "eq", team.project_id),
        "assignee": Condition("assignee", "eq", team.person_id),
        "unassigned": Condition("assignee", "is_null", True),
        "creator": Condition("creator", "eq", team.person_id),
        "top": Condition("parent", "is_null", True),
        "rare title": Condition("title", "contains", "wombat"),
        "two letters": Condition("title", "contains", "ew"),
        "common title": Condition("title", "contains", "review"),
        "title begins": Condition("title", "starts_with", "ab"),
        "status": Condition("status", "eq", "TODO"),
        "done": Condition("status", "eq", "DONE"),
        "open": Condition("status", "in", OPEN),
        "two columns": Condition("status", "in", ["TODO", "IN_REVIEW"]),
        "priority": Condition("priority", "eq", "URGENT"),
        "priorities": Condition("priority", "in", ["MEDIUM", "HIGH", "URGENT"]),
        "label": Condition("labels", "eq", team.label_id),
        "labels": Condition("labels", "in", [team.label_id]),
        "due": Condition("due_on", "eq", date(2026, 10, 30)),
        "overdue": AllOf((Condition("due_on", "before", date(2026, 10, 4)), Condition("status", "in", OPEN))),
        "due later": Condition("due_on", "after", date(2026, 12, 30)),
        "without a day": Condition("due_on", "is_null", True),
        "new": Condition("created_at", "after", now - timedelta(hours=1)),
        "old": Condition("created_at", "before", now - timedelta(hours=60)),
        "changed": Condition("updated_at", "after", now + timedelta(hours=26)),
        "blocked": Condition("is_blocked", "eq", True),
        "free": Condition("is_blocked", "eq", False),
        "mine and blocked": AllOf(
            (
                Condition("assignee", "eq", team.person_id),
                Condition("is_blocked", "eq", True),
                Condition("creator", "eq", team.person_id),
            )
        ),
        "mine and open": AllOf((Condition("assignee", "eq", team.person_id), Condition("status", "in", ["TODO", "IN_PROGRESS"]))),
        "label and column": AllOf((Condition("labels", "eq", team.label_id), Condition("status", "eq", "TODO"))),
    }


def _asked(team: LargeTeam, list_query: ListQuery, every: int) -> Iterator[tuple[str, str, Where, bool]]:
    """A field to sort by, the meaning of a filter, the filter, and whether to sort downwards: every so-many-th pair, or of the small
    team a quarter of them, so that each field and each filter is among them."""
    step = every * 4 if team.tasks < 10_000 else every
    for place, field in enumerate(list_query.sorts):
        for nr, (meaning, where) in enumerate(filters(team).items()):
            if (place + nr) % step == 0:
                yield field, meaning, where, (place + nr) // step % 2 == 0


def _parent(list_query: ListQuery, team: LargeTeam) -> Any:
    return {TASKS: None, PROJECT_TASKS: team.project_id}.get(list_query, team.person_id)


@pytest.mark.slow
@pytest.mark.parametrize("name", LISTS)
async def test_a_page_reads_fifty_rows_for_each_that_it_gives_at_most(
    counting: CountingDatabase, large_team: LargeTeam, name: str
) -> None:
    list_query, excess = LISTS[name], {}
    for field, meaning, where, descending in _asked(large_team, list_query, every=1):
        given = {
            "viewer": large_team.viewer,
            "where": where if meaning == "deleted too" else AllOf((where, _NOT_DELETED)),
            "order": [Order(field, descending=descending)],
        }
        _, read = await read_page(counting, list_query, _parent(list_query, large_team), Paging(first=PAGE_ROWS), **given)
        if read > MAX_ROWS_READ:
            excess[f"{field} {'down' if descending else 'up'}, {meaning}"] = read
    assert excess == {}


@pytest.mark.slow
@pytest.mark.parametrize("name", LISTS)
async def test_a_page_from_the_middle_costs_what_the_first_one_costs(
    counting: CountingDatabase, large_team: LargeTeam, name: str
) -> None:
    list_query, excess = LISTS[name], {}
    parent = _parent(list_query, large_team)
    for field in list_query.sorts:
        for backward in (False, True):
            given: dict[str, Any] = {"viewer": large_team.viewer, "order": [Order(field)]}
            middle, _ = await read_page(
                counting, list_query, parent, Paging(first=1), where=Condition("id", "in", list(large_team.middle_ids)), **given
            )
            cursor = middle.edges[0].cursor
            paging = Paging(last=PAGE_ROWS, before=cursor) if backward else Paging(first=PAGE_ROWS, after=cursor)
            _, read = await read_page(counting, list_query, parent, paging, where=_NOT_DELETED, **given)
            if read > MAX_ROWS_READ:
                excess[f"{field} {'backwards' if backward else 'onwards'}"] = read
    assert excess == {}


@pytest.mark.slow
@pytest.mark.parametrize("name", LISTS)
async def test_a_merged_page_is_that_of_the_rows_sorted_as_a_whole(
    counting: CountingDatabase, large_team: LargeTeam, name: str
) -> None:
    list_query = LISTS[name]
    sorted_as_a_whole = replace(list_query, ranges=None)
    parent = _parent(list_query, large_team)
    for field, meaning, where, descending in _asked(large_team, list_query, every=3):
        given: dict[str, Any] = {
            "viewer": large_team.viewer,
            "where": AllOf((where, _NOT_DELETED)),
            "order": [Order(field, descending=descending)],
        }
        cursor: str | None = None
        for size in (1, 20):
            paging = Paging(first=size, after=cursor)
            page, _ = await read_page(counting, list_query, parent, paging, **given)
            expected, _ = await read_page(counting, sorted_as_a_whole, parent, paging, **given)
            assert [each.id for each in page.nodes] == [each.id for each in expected.nodes], (field, meaning, size)
            assert page.page_info == expected.page_info
            cursor = page.page_info.end_cursor


@pytest.mark.slow
async def test_a_total_is_exact_up_to_ten_thousand_and_then_said_to_be_more(
    counting: CountingDatabase, large_team: LargeTeam
) -> None:
    given = {"viewer": large_team.viewer, "order": [Order("CREATED_AT")]}

    async def total(list_query: ListQuery, where: Where) -> Any:
        page, _ = await read_page(counting, list_query, None, Paging(first=1), where=where, **given)
        (found,) = await page.count([page])
        return found

    top, comparable = Condition("parent", "is_null", True), filters(large_team)
    assert await total(TASKS, AllOf((top, _NOT_DELETED))) == (min(large_team.tasks, 10_000), large_team.tasks <= 10_000)
    for name in ("label", "common title", "assignee", "overdue"):
        where = AllOf((comparable[name], _NOT_DELETED))
        found = await total(TASKS, where)
        assert found == await total(replace(TASKS, ranges=None), where)
        assert found.exact
        assert 0 < found.rows < 10_000


@pytest.mark.slow
async def test_how_many_tasks_there_are_decides_what_is_few_and_not_what_is_given(
    counting: CountingDatabase, large_team: LargeTeam
) -> None:
    pages: dict[int, dict[str, list[Any]]] = {}
    reads: dict[int, dict[str, int]] = {}
    connection = await asyncpg.connect(large_team.url)
    try:
        for kept in (0, 1_000_000):
            await connection.execute("DELETE FROM task_counts")
            await connection.execute("INSERT INTO task_counts (project_id, todo) SELECT id, $1 FROM projects", kept)
            pages[kept], reads[kept] = {}, {}
            for meaning, where in filters(large_team).items():
                given: dict[str, Any] = {"where": AllOf((where, _NOT_DELETED)), "order": [Order("TITLE")]}
                page, read = await read_page(counting, TASKS, None, Paging(first=PAGE_ROWS), viewer=large_team.viewer, **given)
                pages[kept][meaning], reads[kept][meaning] = [each.id for each in page.nodes], read
    finally:
        await connection.execute("DELETE FROM task_counts")
        await connection.close()
    assert pages[0] == pages[1_000_000]
    tried_further = {meaning for meaning, read in reads[1_000_000].items() if read > reads[0][meaning] + 1_000}
    assert tried_further, reads
    assert max(reads[0].values()) <= MAX_ROWS_READ


@pytest.mark.slow
async def test_a_part_of_a_title_is_looked_for_among_the_tasks_of_a_person_or_where_these_are_many_among_all(
    counting: CountingDatabase, large_team: LargeTeam, monkeypatch: pytest.MonkeyPatch
) -> None:
    for meaning in ("rare title", "common title", "two letters"):
        for field, size in (("CREATED_AT", 50), ("TITLE", 3)):
            pages: dict[int, Any] = {}
            given: dict[str, Any] = {
                "viewer": large_team.viewer,
                "where": AllOf((filters(large_team)[meaning], _NOT_DELETED)),
                "order": [Order(field, descending=True)],
            }
            for few in (0, 1_200):
                monkeypatch.setattr(index_ranges, "_FEW_ROWS", few)  # with 0 the pages are compared, no more
                list_query = replace(ASSIGNED_TASKS)  # has statements of its own
                page, read = await read_page(counting, list_query, large_team.person_id, Paging(first=size), **given)
                assert read <= MAX_ROWS_READ or not few
                pages[few] = [each.id for each in page.nodes]
            assert pages[0] == pages[1_200], (meaning, field)
