"""What tests of concurrent writes share: somebody else who writes meanwhile or holds rows, and what was told."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from persistence.engine.database import Statement
from persistence.engine.write_batcher import BatchParams
from tests.app import App
from tests.people import People, uuid_of

HOLD_STREAM = "SELECT FROM streams WHERE stream = $1 FOR UPDATE"
UPDATE = "mutation ($input: TaskUpdateInput!) { taskUpdate(input: $input) { task { version } errors { code } } }"


def meanwhile(app: App, monkeypatch: pytest.MonkeyPatch, statement: str, *given: Any) -> list[int]:
    """Somebody else runs a statement between the look and the write of the next operation; how often rows left."""
    writes, left = app.house.database._write_batcher, list[int]()
    run = writes._run

    async def overtaken(form: Statement, asked: BatchParams) -> Sequence[Any]:
        if not left:
            await app.sql.execute(statement, *given)
        left.append(len(asked["rows"]))
        return await run(form, asked)

    monkeypatch.setattr(writes, "_run", overtaken)
    return left


@asynccontextmanager
async def holding(app: App, statement: str, *given: Any) -> AsyncIterator[None]:
    """Somebody else has locked rows."""
    async with app.sql.acquire() as other, other.transaction():
        await other.execute(statement, *given)
        yield


async def row_of(app: App, made: Any) -> Any:
    """A task as it is stored."""
    return await app.sql.fetchrow("SELECT * FROM tasks WHERE id = $1", uuid_of(made["id"]))


async def history(app: App, team: People, *, after: int = 0) -> list[tuple[int, str, int]]:
    """What the team's stream tells: position, type, and the version of the object."""
    rows = await app.sql.fetch(
        "SELECT position, type, (payload->'entity'->>'version')::int FROM events WHERE stream = $1 AND position > $2 ORDER BY position",
        f"team:{team.team.id}",
        after,
    )
    return [tuple(row) for row in rows]


async def head(app: App, team: People) -> int:
    found: int = await app.sql.fetchval("SELECT position FROM streams WHERE stream = $1", f"team:{team.team.id}")
    return found
