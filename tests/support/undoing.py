"""A team in which changes are made and undone, and what its objects are at an instant."""

import json
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from resolvers import ids
from tests.support.app import App, Person
from tests.support.graph_actions import (
    create_comment,
    create_document,
    create_label,
    create_project,
    create_task,
    mutate_ok,
)
from tests.support.teams import SampleTeam

Act = Callable[[], Awaitable[Any]]

_LEFT_OUT = ("version", "updated_at", "search_words", "words")
_TABLES: Mapping[str, str] = {
    # By table: of which rows, over the team $1 and its people $2.
    "teams": "id = $1",
    "team_members": "team_id = $1",
    "labels": "team_id = $1",
    "projects": "team_id = $1 AND deleted_at IS NULL",
    "project_members": "project_id IN (SELECT id FROM projects WHERE team_id = $1 AND deleted_at IS NULL)",
    "tasks": "team_id = $1 AND deleted_at IS NULL",
    "task_links": "task_id IN (SELECT id FROM tasks WHERE team_id = $1 AND deleted_at IS NULL)",
    "task_counts": "project_id IN (SELECT id FROM projects WHERE team_id = $1 AND deleted_at IS NULL) AND backlog + todo + in_progress + in_review + done + canceled > 0",
    "open_task_counts": "project_id IN (SELECT id FROM projects WHERE team_id = $1 AND deleted_at IS NULL) AND tasks <> 0",
    "documents": "team_id = $1 AND deleted_at IS NULL",
    "comments": "deleted_at IS NULL AND subject_id IN (SELECT id FROM tasks WHERE team_id = $1 UNION SELECT id FROM documents WHERE team_id = $1)",
    "comment_reactions": "comment_id IN (SELECT id FROM comments WHERE deleted_at IS NULL AND author_user_id = ANY($2))",
    "document_references": "holder_id IN (SELECT id FROM tasks WHERE team_id = $1 AND deleted_at IS NULL)",
    "attachments": "subject_id IN (SELECT id FROM tasks WHERE team_id = $1 UNION SELECT id FROM documents WHERE team_id = $1 UNION SELECT id FROM comments WHERE author_user_id = ANY($2))",
    "invitations": "team_id = $1",
    "users": "id = ANY($2)",
    "notifications": "user_id = ANY($2)",
}
# What says when something was stored, and not what: a link or a membership that comes back is as old as its return.
_INSTANTS = {
    "task_links": ("created_at",),
    "team_members": ("joined_at", "joined_position"),
    "project_members": ("joined_at",),
    "comment_reactions": ("created_at",),
}
_COUNTERS = {"teams": ("last_task_number",)}


@dataclass
class World:
    """A team in which changes are made, and the random numbers that choose them."""

    app: App
    team: SampleTeam
    numbers: random.Random

    @property
    def owner(self) -> Person:
        """Who makes all changes, and undoes them."""
        return self.team.owner

    def word(self) -> str:
        """A word that nothing else is called."""
        return f"word{self.numbers.getrandbits(48):012x}"

    async def task(self, **fields: Any) -> Any:
        """A task of the owner's."""
        return await create_task(self.app, self.team, self.word(), by=self.owner, **fields)

    async def document(self, **fields: Any) -> Any:
        """A document of the owner's."""
        return await create_document(self.app, self.team, self.word(), by=self.owner, **fields)

    async def comment(self) -> Any:
        """A comment of the owner's."""
        return await create_comment(self.app, self.owner, await self.task(), self.word())

    async def label(self) -> str:
        """A label of the team."""
        return await create_label(self.app, self.owner, self.team.team_id, self.word())

    async def project(self) -> str:
        """Another project of the team."""
        return await create_project(self.app, self.team, self.word())

    def act(self, mutation: str, **fields: Any) -> Act:
        """A call of the owner's that is made later."""
        return lambda: mutate_ok(self.app, self.owner, mutation, **fields)

    async def snapshot(self) -> dict[str, list[str]]:
        """All rows of the team's objects that are not deleted, but for what every write touches."""
        people = [each.user.id for each in (self.team.owner, self.team.admin, self.team.member, self.team.mate, self.team.guest)]
        found: dict[str, list[str]] = {}
        for table, where in _TABLES.items():
            given: list[Any] = [self.team.team.id, people]
            if "$2" not in where:
                given = given[:1]
            elif "$1" not in where:
                where, given = where.replace("$2", "$1"), given[1:]
            rows = await self.app.sql.fetch(f"SELECT to_jsonb(t) FROM {table} t WHERE {where}", *given)
            left_out = {*_LEFT_OUT, *_INSTANTS.get(table, ()), *_COUNTERS.get(table, ())}
            found[table] = sorted(
                json.dumps({name: value for name, value in _to_json(row[0]).items() if name not in left_out}, sort_keys=True)
                for row in rows
            )
        return found

    async def last_entry(self) -> UUID:
        """The newest entry of the log of the team and its owner."""
        streams = [f"team:{self.team.team.id}", f"user:{self.owner.user.id}"]
        found: UUID = await self.app.sql.fetchval(
            "SELECT id FROM events WHERE stream = ANY($1) ORDER BY id DESC LIMIT 1", streams
        )
        return found

    async def entries_since(self, entry_id: UUID) -> list[tuple[str, str]]:
        """The types and global ids of the entries after one, in order."""
        streams = [f"team:{self.team.team.id}", f"user:{self.owner.user.id}"]
        rows = await self.app.sql.fetch(
            "SELECT type, id FROM events WHERE stream = ANY($1) AND id > $2 ORDER BY id", streams, entry_id
        )
        return [(row[0], ids.encode("Change", row[1])) for row in rows]


def _to_json(value: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(value) if isinstance(value, str) else value
    return found
