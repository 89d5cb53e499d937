"""A statement that is prepared already takes a shorter way through asyncpg, to the same rows and errors."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from sqlalchemy import Integer, bindparam, text

from domain.errors import Unavailable
from persistence.engine.connections import DatabaseTimeouts
from persistence.engine.database import Database, open_database
from persistence.engine.statement import Statement

_TIMEOUTS = DatabaseTimeouts(statement_seconds=0.3)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with open_database(database_url, max_connections=1, timeouts=_TIMEOUTS) as opened:
        yield opened


def statement(sql: str, **types: Any) -> Statement:
    return Statement(text(sql).bindparams(*(bindparam(name, type_=type_) for name, type_ in types.items())))


async def test_it_has_the_same_rows_on_every_run(database: Database) -> None:
    squares = statement("SELECT n, n * n FROM generate_series(1, :most) AS n", most=Integer)
    for most in (3, 3, 0, 2):
        rows = await database.fetch(squares, most=most)
        assert [tuple(row) for row in rows] == [(n, n * n) for n in range(1, most + 1)]


async def test_it_takes_the_shorter_way_from_its_second_run_on(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    runs: list[str] = []
    fetch = asyncpg.Connection.fetch

    async def counting(self: Any, query: str, *args: Any, **named: Any) -> list[asyncpg.Record]:
        runs.append(query)
        return await fetch(self, query, *args, **named)

    monkeypatch.setattr(asyncpg.Connection, "fetch", counting)
    one = statement("SELECT 1 AS one")
    for _ in range(3):
        assert await database.fetch_value(one) == 1
    assert len(runs) == 1


async def test_it_has_the_same_errors_on_every_run(database: Database) -> None:
    inverse = statement("SELECT 1 / :divisor", divisor=Integer)
    for _ in range(3):
        with pytest.raises(asyncpg.DivisionByZeroError):
            await database.fetch(inverse, divisor=0)
        with pytest.raises(asyncpg.DataError):
            await database.fetch(inverse, divisor="a")
    assert await database.fetch_value(inverse, divisor=1) == 1


async def test_it_is_given_up_in_time_on_every_run(database: Database) -> None:
    slow = statement("SELECT pg_sleep(:seconds)", seconds=Integer)
    await database.fetch(slow, seconds=0)
    for _ in range(2):
        with pytest.raises(Unavailable):
            await database.fetch(slow, seconds=5)
        await database.fetch(slow, seconds=0)


async def test_it_is_prepared_anew_when_its_rows_have_another_type(database: Database) -> None:
    async with database.begin() as connection:
        await connection.raw.execute("CREATE TABLE measured (value integer)")
        await connection.raw.execute("INSERT INTO measured VALUES (1)")
    try:
        measured = statement("SELECT * FROM measured")
        for _ in range(2):
            assert await database.fetch_value(measured) == 1
        async with database.begin() as connection:
            await connection.raw.execute("ALTER TABLE measured ALTER value TYPE text, ADD unit text")
        rows = await database.fetch(measured)
        assert [tuple(row) for row in rows] == [("1", None)]
    finally:
        async with database.begin() as connection:
            await connection.raw.execute("DROP TABLE measured")
