"""A crowd of tasks that differ and agree in every way, to filter and sort: in the graph, and in Python as the reference."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import cycle
from operator import itemgetter
from typing import Any
from uuid import UUID

from hypothesis import Phase, settings

from domain.collation import collation_key, search_key
from domain.task import TaskPriority, TaskStatus
from resolvers import ids
from tests.support.app import App
from tests.support.graph_actions import create_label, create_project, create_task, mutate, mutate_ok
from tests.support.teams import SampleTeam, create_sample_team, uuid_of

TITLES = [
    "Alpha",
    "alpha beta",
    "Beta",
    "ALPHABET",
    "Über",
    "über uns",
    "100% _done_",
    "Béta",
    "",
    "日本語",
    "STRASSE",
    "e\u0301cole",
    "🚀 go",
]
DAYS: list[str | None] = [None, "2026-01-01", "9999-12-31", "2026-06-15", "2026-01-01", None, "0001-01-01"]
INSTANTS = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=hours, microseconds=7) for hours in (0, 0, 5, 90)]
_STATUSES, _PRIORITIES = list(TaskStatus), list(TaskPriority)

TASKS_QUERY = """
query ($first: Int, $after: String, $last: Int, $before: String, $filter: TaskFilter, $orderBy: [TaskOrder!]) {
  tasks(first: $first, after: $after, last: $last, before: $before, filter: $filter, orderBy: $orderBy) {
    nodes { id } edges { cursor node { id } } totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}
"""
deterministic = settings(derandomize=True, deadline=None, database=None, max_examples=100, phases=[Phase.generate, Phase.shrink])

Row = Mapping[str, Any]


@dataclass(frozen=True)
class SampleTasks:
    """The tasks that the member sees, as plain rows; `ids` are the global ids that filters may name, by type."""

    team: SampleTeam
    rows: list[Row]
    ids: Mapping[str, list[str]]


async def create_sample_tasks(app: App) -> SampleTasks:
    """Two projects that the member sees and one that they do not; some tasks deleted, blocked, labelled, nested."""
    team = await create_sample_team(app)
    labels = [await create_label(app, team.member, team.team_id, name) for name in ("one", "two", "three")]
    projects = [team.project_id, await create_project(app, team, "Second")]
    hidden = await create_project(app, team, "Hidden", private_to=[team.mate])
    await create_task(app, team, "Alpha", by=team.mate, projectId=hidden)
    days, people = cycle(DAYS), cycle([None, team.member.id, team.mate.id])
    made: list[Any] = []
    for number in range(30):
        given = {
            "projectId": projects[number % 3 == 2],
            "status": _STATUSES[number % 6],
            "priority": _PRIORITIES[number % 5],
            "dueOn": next(days),
            "assigneeId": next(people),
            "labelIds": [each for place, each in enumerate(labels) if number >> place & 1],
        }
        if number % 3 == 1:
            given["parentId"] = made[0]["id"]
        title = TITLES[number % len(TITLES)] or f"Task {number}"
        made.append(await create_task(app, team, title, by=(team.member, team.mate)[number % 2], **given))
    for one, other in ((3, 4), (5, 6), (6, 7), (8, 9)):
        payload = await mutate(app, team.mate, "taskLink", taskId=made[one]["id"], targetId=made[other]["id"], kind="BLOCKED_BY")
        assert payload["errors"] == []
    for number in (9, 20, 27):
        await mutate_ok(app, team.mate, "taskDelete", id=made[number]["id"])
    pool = app.sql
    for number, each in enumerate(made):
        await pool.execute(
            "UPDATE tasks SET created_at = $2, updated_at = $3 WHERE id = $1",
            uuid_of(each["id"]),
            INSTANTS[number % 4],
            INSTANTS[number % 3],
        )
    found = await pool.fetch(
        """
        SELECT tasks.*, EXISTS (
          SELECT FROM task_links JOIN tasks AS blocker ON blocker.id = target_id
          WHERE task_id = tasks.id AND kind = 'BLOCKED_BY' AND blocker.deleted_at IS NULL
            AND blocker.status NOT IN ('DONE', 'CANCELED')
        ) AS waits
        FROM tasks WHERE project_id = ANY($1)
        """,
        [uuid_of(each) for each in projects],
    )
    named = {
        "Task": [each["id"] for each in made[:6]],
        "Project": [*projects, hidden],
        "User": [team.member.id, team.mate.id, team.outsider.id],
        "Label": labels,
    }
    return SampleTasks(team, found, named)


COLUMNS = {
    "id": "id",
    "project": "project_id",
    "assignee": "assignee_user_id",
    "creator": "creator_user_id",
    "parent": "parent_id",
    "title": "title",
    "status": "status",
    "priority": "priority",
    "dueOn": "due_on",
    "createdAt": "created_at",
    "updatedAt": "updated_at",
}


def matches(condition: Mapping[str, Any], row: Row) -> bool:
    """Whether a TaskFilter lets a row through, said in Python."""
    return all(_matches_field(name, held, row) for name, held in condition.items() if name != "includeDeleted")


def _matches_field(name: str, condition: Any, row: Row) -> bool:
    match name:
        case "and":
            return all(matches(each, row) for each in condition)
        case "or":
            return any(matches(each, row) for each in condition)
        case "not":
            return not matches(condition, row)
        case "isBlocked":
            return bool(row["waits"] == condition)
        case "labels":
            return all(_matches_labels(operator, value, row["label_ids"]) for operator, value in condition.items())
        case _:
            return all(_matches_operator(operator, value, row[COLUMNS[name]]) for operator, value in condition.items())


def _matches_labels(operator: str, value: Any, label_ids: list[UUID]) -> bool:
    match operator:
        case "eq":
            return uuid_of(value) in label_ids
        case "in":
            return any(uuid_of(each) in label_ids for each in value)
        case _:
            return (not label_ids) is value


def _matches_operator(operator: str, value: Any, actual: Any) -> bool:
    if operator == "isNull":
        return (actual is None) is value
    if actual is None:
        return False
    return _OPERATORS[operator](
        actual, [_parse_like(actual, each) for each in value] if isinstance(value, list) else _parse_like(actual, value)
    )


def _parse_like(actual: Any, value: str) -> Any:
    match actual:
        case UUID():
            return uuid_of(value)
        case datetime():
            return datetime.fromisoformat(value)
        case date():
            return date.fromisoformat(value)
        case _:
            return value


_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda held, value: bool(held == value),
    "in": lambda held, value: held in value,
    "notIn": lambda held, value: held not in value,
    "before": lambda held, value: bool(held < value),
    "after": lambda held, value: bool(held > value),
    "contains": lambda held, value: search_key(value) in search_key(held),
    "startsWith": lambda held, value: search_key(held).startswith(search_key(value)),
}

SORT_KEYS: dict[str, Callable[[Row], Any]] = {
    "RANK": itemgetter("rank"),
    "KEY": itemgetter("team_id", "number"),
    "TITLE": lambda row: collation_key(row["title"]),
    "STATUS": lambda row: _STATUSES.index(row["status"]),
    "PRIORITY": lambda row: _PRIORITIES.index(row["priority"]),
    "DUE_ON": lambda row: (row["due_on"] is None, row["due_on"] or date.min),
    "CREATED_AT": itemgetter("created_at"),
    "UPDATED_AT": itemgetter("updated_at"),
}


def sorted_ids(rows: list[Row], order: list[dict[str, str]]) -> list[str]:
    """The global ids of rows as a list sorts them: equals by id, and those of one column by rank, in the direction of the last
    field."""
    if order[-1]["field"] == "STATUS":
        order = [*order, {**order[-1], "field": "RANK"}]
    found = sorted(rows, key=itemgetter("id"), reverse=order[-1]["direction"] == "DESC")
    for each in reversed(order):
        found.sort(key=SORT_KEYS[each["field"]], reverse=each["direction"] == "DESC")
    return [ids.encode("Task", row["id"]) for row in found]


async def tasks_page(app: App, sample: SampleTasks, **arguments: Any) -> Any:
    """One page of all the tasks that the member sees."""
    return (await app.run(sample.team.member, TASKS_QUERY, **arguments))["tasks"]


async def refused_page(app: App, sample: SampleTasks, **arguments: Any) -> tuple[str, Any]:
    """Code and path of the error that a page is answered with."""
    answer = await app.execute(sample.team.member, TASKS_QUERY, **arguments)
    (error,) = answer["errors"]
    assert answer.get("data") in (None, {"tasks": None})
    return error["extensions"]["code"], error["extensions"].get("path")
