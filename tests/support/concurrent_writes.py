"""Helpers of tests of concurrent writes: a second writer, locks on rows, and what the stream then holds."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from persistence.engine.statement import Statement
from persistence.engine.write_batcher import BatchParams
from tests.support.app import App
from tests.support.teams import SampleTeam, uuid_of

LOCK_STREAM = "SELECT FROM streams WHERE stream = $1 FOR UPDATE"
TASK_UPDATE = "mutation ($input: TaskUpdateInput!) { taskUpdate(input: $input) { task { version } errors { code } } }"


def run_before_next_write(app: App, monkeypatch: pytest.MonkeyPatch, statement: str, *arguments: Any) -> list[int]:
    """Somebody else runs a statement between the look and the write of the next operation; how often rows left."""
    writes, left = app.resources.database._write_batcher, list[int]()
    run = writes._run

    async def overtaken(form: Statement, asked: BatchParams) -> Sequence[Any]:
        if not left:
            await app.sql.execute(statement, *arguments)
        left.append(len(asked["rows"]))
        return await run(form, asked)

    monkeypatch.setattr(writes, "_run", overtaken)
    return left


@asynccontextmanager
async def rows_locked(app: App, statement: str, *arguments: Any) -> AsyncIterator[None]:
    """Somebody else has locked rows."""
    async with app.sql.acquire() as other, other.transaction():
        await other.execute(statement, *arguments)
        yield


async def task_row(app: App, task: Any) -> Any:
    """A task as it is stored."""
    return await app.sql.fetchrow("SELECT * FROM tasks WHERE id = $1", uuid_of(task["id"]))


async def stream_events(app: App, team: SampleTeam, *, after: int = 0) -> list[tuple[int, str, int]]:
    """The entries of the team's stream: position, type, and the version of the object."""
    rows = await app.sql.fetch(
        "SELECT position, type, (payload->'entity'->>'version')::int FROM events WHERE stream = $1 AND position > $2 ORDER BY position",
        f"team:{team.team.id}",
        after,
    )
    return [tuple(row) for row in rows]


async def stream_head(app: App, team: SampleTeam) -> int:
    found: int = await app.sql.fetchval("SELECT position FROM streams WHERE stream = $1", f"team:{team.team.id}")
    return found
