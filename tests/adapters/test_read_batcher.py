"""Runs of one statement that are asked for at the same moment leave in one round trip, and each gets what it would get alone."""

import asyncio
from collections.abc import Sequence
from typing import Any

import asyncpg
import pytest
from sqlalchemy import ARRAY, Integer, Text, bindparam, column, func, literal_column, select

from persistence.engine.database import Database
from persistence.engine.read_batcher import to_batched
from persistence.engine.statement import Statement
from tests.support.app import App

_numbers = (
    func.unnest(bindparam("numbers", type_=ARRAY(Integer))).table_valued(column("n", Integer), name="asked").render_derived()
)
_DIVIDED = Statement(
    select(
        _numbers.c.n,
        bindparam("word", type_=Text).label("word"),
        (literal_column("12") / bindparam("by", type_=Integer)).label("share"),
    )
    .select_from(_numbers)
    .order_by(_numbers.c.n.desc())
    .limit(bindparam("size", type_=Integer))
)
_SLOW = Statement(select(func.pg_sleep(literal_column("0.05")), bindparam("word", type_=Text).label("word")))
_LOCK = 7_041_776


@pytest.fixture
def round_trips(app: App, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The statements that went to the database."""
    database, sent = app.resources.database, list[str]()
    run = database._run

    async def counted(text: str, arguments: Sequence[Any], row: "type[asyncpg.Record] | None") -> list[Any]:
        sent.append(text)
        return await run(text, arguments, row)

    monkeypatch.setattr(database, "_run", counted)
    monkeypatch.setattr(database._read_batcher, "_run", counted)
    return sent


async def _fetch_divided(database: Database, number: int, **parameters: Any) -> list[tuple[int, str, int]]:
    asked = {"numbers": list(range(number)), "word": f"run {number}", "by": 3, "size": 4} | parameters
    return [(row["n"], row["word"], row["share"]) for row in await database.fetch(_DIVIDED, **asked)]


def _expected(number: int) -> list[tuple[int, str, int]]:
    return [(n, f"run {number}", 4) for n in reversed(range(number))][:4]


async def test_each_run_gets_its_own_rows_in_its_own_order(app: App, round_trips: list[str]) -> None:
    found = await asyncio.gather(*(_fetch_divided(app.resources.database, number) for number in range(12)))
    assert found == [_expected(number) for number in range(12)]
    assert len(round_trips) == 2  # the first found nothing under way and went alone
    assert ("LATERAL" in round_trips[0], "LATERAL" in round_trips[1]) == (False, True)


async def test_who_asks_alone_is_not_kept_waiting(app: App, round_trips: list[str]) -> None:
    for number in range(3):
        assert await _fetch_divided(app.resources.database, number) == _expected(number)
    assert round_trips == [_DIVIDED.text] * 3


async def test_a_run_that_fails_fails_alone(app: App) -> None:
    by = [3, 3, 0, 3, 0, 3]
    asked = (_fetch_divided(app.resources.database, number, by=divisor) for number, divisor in enumerate(by))
    found = await asyncio.gather(*asked, return_exceptions=True)
    for number, divisor in enumerate(by):
        if divisor:
            assert found[number] == _expected(number)
        else:
            assert isinstance(found[number], asyncpg.DivisionByZeroError)


async def test_a_value_of_the_wrong_kind_is_only_its_own_askers_fault(app: App) -> None:
    asked = (_fetch_divided(app.resources.database, number, word=word) for number, word in enumerate(("a", "b", 7, "d")))
    found = await asyncio.gather(*asked, return_exceptions=True)
    assert [isinstance(each, asyncpg.DataError) for each in found] == [False, False, True, False]


async def test_cancelling_one_leaves_the_others_alone(app: App) -> None:
    async def asked(word: str) -> str:
        return str((await app.resources.database.fetch_row(_SLOW, word=word))["word"])

    tasks = [asyncio.get_running_loop().create_task(asked(f"{number}")) for number in range(6)]
    await asyncio.sleep(0.02)
    tasks[3].cancel()
    found = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(found.pop(3), asyncio.CancelledError)
    assert found == ["0", "1", "2", "4", "5"]


async def test_statements_that_give_many_rows_leave_in_small_groups(app: App, round_trips: list[str]) -> None:
    many = Statement(select(func.generate_series(literal_column("1"), bindparam("most", type_=Integer)).label("n")))
    for _ in range(40):  # by now it is known that each run gives a hundred rows
        await app.resources.database.fetch(many, most=1)
        assert many.batched is not None
        many.batched.record_row_count(100, 1)
    round_trips.clear()
    found = await asyncio.gather(*(app.resources.database.fetch(many, most=100) for _ in range(9)))
    assert [len(rows) for rows in found] == [100] * 9
    assert len(round_trips) == 5  # one alone, then two at a time


def test_a_parameter_without_a_type_keeps_a_statement_to_itself() -> None:
    assert to_batched("SELECT $1") is None
    assert to_batched("SELECT 1") is None
    assert to_batched("SELECT $1::UUID, $1::TEXT") is None


def test_a_statement_that_writes_or_locks_is_never_shared() -> None:
    held = select(_numbers.c.n).select_from(_numbers)
    assert Statement(held).batched is not None
    assert Statement(held.with_for_update()).batched is None
    assert to_batched("INSERT INTO a SELECT $1::INTEGER") is None


async def test_slow_statements_do_not_hold_up_quick_ones(app: App) -> None:
    database = app.resources.database
    until_free = func.pg_advisory_xact_lock_shared(literal_column(f"{_LOCK}")).label("held")
    slow = [Statement(select(until_free, bindparam("word", type_=Text).label(f"word_{number}"))) for number in range(4)]
    async with asyncio.TaskGroup() as group, app.sql.acquire() as holder, holder.transaction():
        await holder.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
        waiting = [group.create_task(database.fetch(each, word="slow")) for each in slow]
        await asyncio.sleep(0)
        assert await _fetch_divided(database, 3) == _expected(3)
        assert not any(each.done() for each in waiting)
