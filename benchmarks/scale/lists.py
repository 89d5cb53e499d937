"""Lists that are not of tasks: a team with little of everything beside one with much of it, seeded by Postgres itself.

A team has members, documents in one project and below one of them, versions of that, comments on one task and answers to one of
them, watchers of it, and a log; its viewer has notifications, and is in other teams. Whoever counts members counts users.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg

from app.settings import DEMO_PASSWORD
from benchmarks.scale.operations import Operation, Variables
from resolvers import ids

_SEED, _GROW_LOG = (Path(__file__).with_name(name).read_text() for name in ("lists.sql", "log.sql"))
_GROWN_EVENTS = 250_000  # by one statement
_FOUND = """
SELECT project.team_id, project.id AS project_id, task.id AS task_id,
  (SELECT parent_id FROM documents WHERE rank = 'b000000001' AND project_id = project.id) AS document_id,
  (SELECT parent_id FROM comments WHERE parent_id IS NOT NULL AND subject_id = task.id LIMIT 1) AS comment_id
FROM project, task
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListSizes:
    """How much a team has of everything."""

    members: int
    documents: int
    versions: int
    comments: int
    notifications: int
    teams: int
    projects: int
    events: int


SMALL = ListSizes(members=50, documents=50, versions=50, comments=50, notifications=50, teams=5, projects=5, events=500)
LARGE = ListSizes(
    members=5_000,
    documents=5_000,
    versions=10_000,
    comments=10_000,
    notifications=50_000,
    teams=1_000,
    projects=1_000,
    events=2_000_000,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListTeam:
    """Objects to ask for; the viewer signs in with DEMO_PASSWORD."""

    viewer: str
    team_id: UUID
    project_id: UUID
    document_id: UUID
    task_id: UUID
    comment_id: UUID


async def add_list_team(connection: "asyncpg.Connection[Any]", name: str, sizes: ListSizes, password_hash: str) -> ListTeam:
    """A team with so much of everything but events."""
    assert DEMO_PASSWORD not in password_hash
    given = {each: getattr(sizes, each) for each in ListSizes.__slots__}
    async with connection.transaction():
        await connection.execute(_SEED.format(**given, name=name, key=name.upper(), password_hash=password_hash))
        found = await connection.fetchrow(_FOUND)
        await connection.execute("DROP TABLE person, made, project, task")
    assert found is not None
    return ListTeam(viewer=f"{name}-1@lists.example", **dict(found))


async def grow_log(connection: "asyncpg.Connection[Any]", team: ListTeam, events: int) -> None:
    """So many events more, the last of them about the task; in parts, so that no transaction is large."""
    for start in range(0, events, _GROWN_EVENTS):
        size = min(_GROWN_EVENTS, events - start)
        about_task = size if start + size == events else 0
        await connection.execute(_GROW_LOG.format(events=size, about_task=about_task, task_id=team.task_id, team_id=team.team_id))


_NAMES = "nodes { id displayName }"
_TITLES = "nodes { id title }"


def _of(kind: str, attribute: str) -> Callable[[Any, int], Variables]:
    return lambda team, _: {"id": ids.encode(kind, getattr(team, attribute))}


def _within(title: str, kind: str, field: str, rows: str) -> Operation:
    """A list of one object."""
    name = kind.lower()
    document = f"query ($id: ID!) {{ {name}(id: $id) {{ {field} {{ {rows} }} }} }}"
    return Operation(title=title, document=document, variables=_of(kind, f"{name}_id"))


CURSOR = "{ changes(first: 1) { cursor } }"


def list_operations(cursors: Mapping[str, str]) -> Iterator[Operation]:
    """All of the table, in its order. `cursors`: by viewer, what CURSOR gave before the log grew."""
    yield _within("members of a team", "Team", "members(first: 50)", _NAMES)
    yield _within("members of a project", "Project", "members(first: 50)", "nodes { id displayName }")
    yield _within("watchers of a task", "Task", "watchers(first: 50)", "nodes { id displayName }")
    yield Operation(
        title="users whose name contains a text", document='{ users(first: 50, query: "7a") { nodes { id displayName } } }'
    )
    yield Operation(title="teams", document="{ teams(first: 50) { nodes { id name } } }")
    yield Operation(title="my teams", document="{ viewer { teams(first: 50) { nodes { id name } } } }")
    yield Operation(title="projects by name", document="{ projects(first: 50) { nodes { id name } } }")
    yield _within("projects of a team", "Team", "projects(first: 50)", "nodes { id name }")
    yield Operation(title="all documents, newest first", document=f"{{ documents(first: 50) {{ {_TITLES} }} }}")
    yield _within("documents of a project", "Project", "documents(first: 50)", _TITLES)
    contains = 'documents(first: 50, filter: {title: {contains: "wombat"}})'
    yield _within("documents of a project, rare text", "Project", contains, _TITLES)
    yield _within("children of a document", "Document", "children(first: 50)", _TITLES)
    yield _within("versions of a document", "Document", "versions(first: 50)", "nodes { number createdAt }")
    yield _within("comments on a task", "Task", "comments(first: 50)", "nodes { id body }")
    yield Operation(
        title="answers to a comment",
        document="query ($id: ID!) { node(id: $id) { ... on Comment { replies(first: 50) { nodes { id body } } } } }",
        variables=_of("Comment", "comment_id"),
    )
    for title, argument in (("", ""), (", unread", ", unreadOnly: true"), (", archived", ", archived: true")):
        yield Operation(
            title=f"notifications{title}", document=f"{{ notifications(first: 50{argument}) {{ nodes {{ id reason }} }} }}"
        )
    yield Operation(title="unread notifications, counted", document="{ notifications(first: 1) { unreadCount } }")
    yield Operation(
        title="changes of one task among all since",
        document="query ($after: SyncCursor, $scope: ChangeScope) "
        "{ changes(after: $after, first: 50, scope: $scope) { nodes { id kind } pageInfo { hasNextPage } } }",
        variables=lambda team, _: {"after": cursors[team.viewer], "scope": {"entityIds": [ids.encode("Task", team.task_id)]}},
    )
    yield Operation(
        title="changes since, the first page",
        document="query ($after: SyncCursor) { changes(after: $after, first: 50) { nodes { id kind } } }",
        variables=lambda team, _: {"after": cursors[team.viewer]},
    )
    yield Operation(
        title="taskUpdate",
        document="mutation ($input: TaskUpdateInput!) { taskUpdate(input: $input) { errors { code message } } }",
        variables=lambda team, run: {"input": {"id": ids.encode("Task", team.task_id), "title": f"Changed {run}"}},
        writes=True,
    )
