"""Long statements that Postgres has not seen are planned one at a time, and those who send them take turns."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Uuid, bindparam, text

from domain.errors import Overloaded
from persistence.engine.database import Database, open_database
from persistence.engine.planning_turns import MAX_SHORT_CHARACTERS, PlanningTurns
from persistence.engine.statement import Statement

MARKER = uuid4().hex
LONG = "-" * MAX_SHORT_CHARACTERS


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with open_database(database_url, max_connections=8) as opened:
        yield opened


def statement(number: int, padding: str) -> Statement:
    """One that takes a while and tells how many of its like run; each has a text of its own, as filters of new shapes have."""
    running = f"(SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%marker {MARKER}%')"
    sql = f"SELECT {running} AS running, pg_sleep(0.02), :viewer /* {number} marker {MARKER} {padding} */"
    made = Statement(text(sql).bindparams(bindparam("viewer", type_=Uuid)))
    made.is_prepared = False
    return made


async def running_at_once(database: Database, padding: str) -> int:
    viewer = uuid4()
    found = await asyncio.gather(*(database.fetch(statement(number, padding), viewer=viewer) for number in range(8)))
    return max(int(rows[0][0]) for rows in found)


async def test_one_long_statement_is_planned_at_a_time_and_short_ones_are_not_held_up(database: Database) -> None:
    assert await running_at_once(database, LONG) == 1
    assert await running_at_once(database, "") > 1


async def test_who_sends_one_waits_for_one_of_those_who_send_many(database: Database) -> None:
    done: list[UUID] = []
    many, one = uuid4(), uuid4()

    async def send(viewer: UUID, number: int) -> None:
        await database.fetch(statement(number, LONG), viewer=viewer)
        done.append(viewer)

    await asyncio.gather(*(send(many, number) for number in range(20)), send(one, 20))
    assert done.index(one) <= 2
    assert len(done) == 21


async def test_who_waits_too_long_is_refused_with_a_code_and_leaves_no_turn_behind() -> None:
    turns = PlanningTurns(timeout_seconds=0.05)
    async with turns.turn(MAX_SHORT_CHARACTERS + 1, "slow"):
        with pytest.raises(Overloaded):
            async with turns.turn(MAX_SHORT_CHARACTERS + 1, "other"):
                pytest.fail("It had a turn beside another's.")
        async with turns.turn(MAX_SHORT_CHARACTERS, "short"):
            pass
    async with turns.turn(MAX_SHORT_CHARACTERS + 1, "other"):
        pass
