"""Instants travel as text, and nothing is lost on the way."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import ARRAY, DateTime, bindparam, select

from persistence.engine.codecs import binary_codecs
from persistence.engine.statement import Statement
from tests.support.app import App

_INSTANT = DateTime(timezone=True)
_ECHO = Statement(select(bindparam("instant", type_=_INSTANT).label("instant")))
_ECHO_ALL = Statement(select(bindparam("instants", type_=ARRAY(_INSTANT)).label("instants")))
INSTANTS = [
    datetime(2026, 11, 22, 20, 45, tzinfo=UTC),
    datetime(2026, 11, 22, 20, 45, 0, 120_000, tzinfo=UTC),
    datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(1, 1, 1, tzinfo=UTC),
    datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
]


@pytest.mark.parametrize("instant", INSTANTS, ids=str)
async def test_an_instant_comes_back_as_it_was_in_utc(app: App, instant: datetime) -> None:
    found = await app.resources.database.fetch_value(_ECHO, instant=instant)
    assert found == instant
    assert found.tzinfo is UTC


async def test_an_instant_of_another_zone_comes_back_in_utc(app: App) -> None:
    there = datetime(2026, 1, 1, 1, 30, tzinfo=timezone(timedelta(hours=5, minutes=45)))
    found = await app.resources.database.fetch_value(_ECHO, instant=there)
    assert (found, found.tzinfo) == (datetime(2025, 12, 31, 19, 45, tzinfo=UTC), UTC)


async def test_many_instants_travel_in_one_array(app: App) -> None:
    assert await app.resources.database.fetch_value(_ECHO_ALL, instants=[*INSTANTS, None]) == [*INSTANTS, None]


async def test_instants_can_be_copied_into_a_table_and_are_text_again_afterwards(app: App) -> None:
    async with app.resources.database.begin() as connection:
        await connection.raw.execute("CREATE TEMPORARY TABLE copied (at timestamptz) ON COMMIT DROP")
        async with binary_codecs(connection.raw):
            await connection.raw.copy_records_to_table("copied", records=[(each,) for each in INSTANTS[:3]])
        rows = await connection.raw.fetch("SELECT at, at::text AS told FROM copied")
        assert [row["at"] for row in rows] == INSTANTS[:3]
        assert rows[1]["told"] == "2026-11-22 20:45:00.12+00"
        assert await connection.fetch_value(_ECHO, instant=INSTANTS[1]) == INSTANTS[1]
