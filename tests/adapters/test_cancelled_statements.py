"""An operation that is given up, by its client or by its timeout, leaves no statement behind that goes on in Postgres."""

import asyncio

import pytest
from sqlalchemy import Integer, bindparam, func, select

from persistence.engine.statement import Statement
from tests.support.app import App

_SLEEP = Statement(select(func.pg_sleep(bindparam("seconds", type_=Integer))))
_RUNNING = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%pg_sleep%' AND pid <> pg_backend_pid()"


async def _wait_until(app: App, *, running: bool) -> None:
    """Look until the statement runs, or does not."""
    while True:
        if bool(await app.sql.fetchval(_RUNNING)) is running:
            return
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("in_transaction", [False, True], ids=["alone", "in a transaction"])
async def test_a_cancelled_statement_ends_in_postgres_too(app: App, in_transaction: bool) -> None:
    async def run() -> None:
        database = app.resources.database
        if not in_transaction:
            await database.fetch(_SLEEP, seconds=4)
            return
        async with database.begin() as connection:
            await connection.raw.fetch("SELECT pg_sleep(4)")

    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        task = tasks.create_task(run())
        await _wait_until(app, running=True)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
        began = asyncio.get_running_loop().time()
        await _wait_until(app, running=False)
    assert asyncio.get_running_loop().time() - began < 3.5
    assert (await app.resources.database.fetch(_SLEEP, seconds=0)) is not None
