"""The operations of the table: what a client asks on its screens."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from benchmarks.scale.population import Team
from resolvers import ids

Variables = dict[str, Any]
_CARD = "nodes { id key title status priority dueOn }"
_TASKS = "query ($filter: TaskFilter, $orderBy: [TaskOrder!]) { tasks(first: 50, filter: $filter, orderBy: $orderBy) { %s } }"
_BOARD = (
    "query ($id: ID!, $after: String, $filter: TaskFilter, $orderBy: [TaskOrder!]) "
    "{ project(id: $id) { tasks(first: 50, after: $after, filter: $filter, orderBy: $orderBy) { %s } } }"
)
_PROGRESS = "progress { total done overdue byStatus { status count } }"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """A document, and its variables in a team; `run` counts the requests from 0, so that each write changes something."""

    title: str
    document: str
    variables: Callable[[Team, int], Variables] = lambda *_: {}
    writes: bool = False


def _order(field: str, direction: str = "ASC") -> list[Variables]:
    return [{"field": field, "direction": direction}]


def _list(title: str, rows: str = _CARD, **arguments: Any) -> Operation:
    return Operation(title=title, document=_TASKS % rows, variables=lambda *_: arguments)


def _board(title: str, rows: str = _CARD, **arguments: Any) -> Operation:
    def variables(team: Team, _: int) -> Variables:
        return {"id": _id("Project", team.project_ids[0]), **arguments}

    return Operation(title=title, document=_BOARD % rows, variables=variables)


def _id(kind: str, id_: UUID) -> str:
    return ids.encode(kind, id_)


_OPEN = {"status": {"notIn": ["DONE", "CANCELED"]}}
_TASK = "query ($id: ID!) { task(id: $id) { id title project { name } assignee { displayName } labels { nodes { name } } } }"
_COMMENTS = "query ($id: ID!) { task(id: $id) { comments(first: 50) { nodes { id body author { displayName } } } } }"
_ACTIVITY = "query ($id: ID!) { task(id: $id) { activity(first: 20) { nodes { kind } } } }"
_MUTATION = "mutation ($input: %sInput!) { %s(input: $input) { errors { code message } } }"


def operations() -> Iterator[Operation]:
    """All of the table, in its order."""
    yield _list("tasks, newest first")
    yield _list("open tasks by due day", filter=_OPEN, orderBy=_order("DUE_ON"))
    yield Operation(title="totalCount of all visible", document="{ tasks(first: 1) { totalCount } }")
    yield Operation(
        title="my tasks",
        document=_TASKS % _CARD,
        variables=lambda team, _: {"filter": {"assignee": {"eq": _id("User", team.viewer_id)}}},
    )
    yield Operation(
        title="my open tasks by due day",
        document=_TASKS % _CARD,
        variables=lambda team, _: {
            "filter": {"assignee": {"eq": _id("User", team.viewer_id)}, **_OPEN},
            "orderBy": _order("DUE_ON"),
        },
    )
    yield _list("title contains a rare text", filter={"title": {"contains": "wombat"}})
    yield _list("title contains a common text", filter={"title": {"contains": "review"}})
    yield _list("title contains two letters", filter={"title": {"contains": "ew"}})
    yield Operation(
        title="with a label",
        document=_TASKS % _CARD,
        variables=lambda team, _: {"filter": {"labels": {"eq": _id("Label", team.label_id)}}},
    )
    yield _list("blocked tasks", filter={"isBlocked": True})
    yield _list("by key", orderBy=_order("KEY"))
    yield _list("by title", orderBy=_order("TITLE"))
    yield _board("board by rank")
    yield _board("board by title", orderBy=_order("TITLE"))
    yield _board("board by priority", orderBy=_order("PRIORITY", "DESC"))
    yield _board("board by update", orderBy=_order("UPDATED_AT", "DESC"))
    yield _board("board, one column by rank", filter={"status": {"eq": "TODO"}})
    yield _board("board, one column by due day", filter={"status": {"eq": "IN_PROGRESS"}}, orderBy=_order("DUE_ON"))
    yield _board("board totalCount", "totalCount")
    yield _board("board totalCount of a column", "totalCount", filter={"status": {"eq": "DONE"}})
    yield Operation(title="projects with progress", document=f"{{ projects(first: 50) {{ nodes {{ name {_PROGRESS} }} }} }}")
    yield Operation(
        title="team.projects with progress",
        document=f"query ($id: ID!) {{ team(id: $id) {{ projects(first: 50) {{ nodes {{ name {_PROGRESS} }} }} }} }}",
        variables=lambda team, _: {"id": _id("Team", team.id)},
    )
    yield Operation(
        title="project.progress",
        document=f"query ($id: ID!) {{ project(id: $id) {{ {_PROGRESS} }} }}",
        variables=lambda team, _: {"id": _id("Project", team.project_ids[0])},
    )
    for title, document in (("task", _TASK), ("comments", _COMMENTS), ("activity", _ACTIVITY)):
        yield Operation(title=title, document=document, variables=lambda team, _: {"id": _id("Task", team.task_id)})
    yield Operation(
        title="taskUpdate",
        document=_MUTATION % ("TaskUpdate", "taskUpdate"),
        variables=lambda team, run: {"input": {"id": _id("Task", _pick(team, run)), "title": f"Changed {run}"}},
        writes=True,
    )
    statuses = itertools.cycle(("TODO", "IN_PROGRESS", "DONE"))
    yield Operation(
        title="taskUpdate, another column",
        document=_MUTATION % ("TaskUpdate", "taskUpdate"),
        variables=lambda team, run: {"input": {"id": _id("Task", _pick(team, run)), "status": next(statuses)}},
        writes=True,
    )
    yield Operation(
        title="taskMove",
        document=_MUTATION % ("TaskMove", "taskMove"),
        variables=lambda team, run: {"input": {"id": _id("Task", _pick(team, run)), "afterId": _id("Task", team.task_id)}},
        writes=True,
    )
    yield Operation(
        title="taskCreate",
        document=_MUTATION % ("TaskCreate", "taskCreate"),
        variables=lambda team, run: {"input": {"projectId": _id("Project", team.project_ids[0]), "title": f"New {run}"}},
        writes=True,
    )
    yield Operation(
        title="commentCreate",
        document=_MUTATION % ("CommentCreate", "commentCreate"),
        variables=lambda team, run: {"input": {"subjectId": _id("Task", _pick(team, run)), "body": f"Said {run}"}},
        writes=True,
    )


def _pick(team: Team, run: int) -> UUID:
    """A task of the first project, another one each time."""
    tasks = team.other_task_ids[: max(1, len(team.other_task_ids) // len(team.project_ids))]
    return tasks[run % len(tasks)]
