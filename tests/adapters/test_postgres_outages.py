"""A Postgres that is restarted, full, frozen or out of connections: what fails is coded, and everything is back afterwards."""

import asyncio
import logging
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import Float, bindparam, func, literal_column, select, text

from domain.errors import StorageFull, Unavailable
from embedded import PostgresFailed, embedded_postgres
from persistence.engine.connections import DatabaseTimeouts
from persistence.engine.database import Database, open_database
from persistence.engine.statement import Statement
from tests.conftest import migrate_template
from tests.support.backing_services import database_from_template
from tests.support.memory_folder import memory_folder
from tests.support.postgres_processes import postgres_pids

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="finds the processes of Postgres in /proc")
_SIZE = 4
_ONE = Statement(select(literal_column("1")))
_PID = Statement(select(func.pg_backend_pid()))
_SLEEP = Statement(select(func.pg_sleep(bindparam("seconds", type_=Float))))
_TERMINATE_OTHERS = Statement(
    select(func.count(func.pg_terminate_backend(literal_column("pid"))))
    .select_from(text("pg_stat_activity"))
    .where(literal_column("pid <> pg_backend_pid() AND backend_type = 'client backend' AND datname = current_database()"))
)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a path that is short enough for a socket."""
    made = Path(tempfile.mkdtemp(prefix="hive-", dir=memory_folder()))
    yield made / "postgres"
    shutil.rmtree(made)


@pytest.fixture
async def url(postgres_server: str) -> AsyncIterator[str]:
    """The address of a database to which nobody else is connected."""
    async with database_from_template(postgres_server, "migrated", migrate_template) as address:
        yield address


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    """A pool over it."""
    async with open_database(url, max_connections=_SIZE) as opened:
        yield opened


async def _pid_in_transaction(database: Database, seconds: float = 0.1) -> int:
    async with database.begin() as connection:
        pid: int = await connection.fetch_value(_PID)
        await connection.fetch(_SLEEP, seconds=seconds)
        return pid


async def _assert_whole(database: Database, size: int = _SIZE) -> None:
    """Every place of the pool can be used at the same time, and nothing is in use afterwards."""
    pids: set[int] = set()
    async with asyncio.timeout(30):
        while not pids:
            try:
                pids = set(await asyncio.gather(*(_pid_in_transaction(database) for _ in range(size))))
            except Unavailable:
                await asyncio.sleep(0.05)
        assert len(pids) == size
        while database.pool_usage() != (0, 0):
            await asyncio.sleep(0.01)


async def _try_until_it_works(work: Callable[[], Awaitable[object]]) -> None:
    async with asyncio.timeout(30):
        while True:
            try:
                await work()
            except Unavailable:
                await asyncio.sleep(0.02)
            else:
                return


@asynccontextmanager
async def _load(database: Database) -> AsyncIterator[list[BaseException]]:
    """Reads and transactions all the time; what they fail with, but for Unavailable."""
    bugs: list[BaseException] = []

    async def work(number: int) -> None:
        while True:
            try:
                if number % 2:
                    await database.fetch_value(_ONE)
                else:
                    await _pid_in_transaction(database, 0.001)
            except Unavailable:
                await asyncio.sleep(0.01)
            except Exception as error:  # noqa: BLE001 (the test asserts that there is none)
                bugs.append(error)
                await asyncio.sleep(0.01)

    async with asyncio.TaskGroup() as tasks:
        workers = [tasks.create_task(work(number)) for number in range(2 * _SIZE)]
        yield bugs
        for each in workers:
            each.cancel()


@pytest.mark.slow
@linux_only
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
async def test_postgres_that_ends_five_times_under_load_is_started_again_and_the_pool_is_whole(
    folder: Path, how: signal.Signals
) -> None:
    async with embedded_postgres(folder, durable=False) as url, open_database(url, max_connections=_SIZE) as database:
        async with _load(database) as bugs:
            for _ in range(5):
                before = postgres_pids(folder)[0]
                os.kill(before, how)
                while Path(f"/proc/{before}").exists():
                    await asyncio.sleep(0.01)
                await _try_until_it_works(lambda: database.fetch_value(_ONE))
                assert postgres_pids(folder)[0] != before
        assert bugs == []
        await _assert_whole(database)


@pytest.mark.slow
async def test_an_embedded_postgres_that_cannot_be_started_again_is_reported_once(folder: Path) -> None:
    failures: list[PostgresFailed] = []
    async with embedded_postgres(folder, durable=False, on_failure=failures.append, restart_pauses_seconds=[0.0, 0.0]):
        shutil.move(folder / "cluster" / "global", folder / "elsewhere")
        os.kill(postgres_pids(folder)[0], signal.SIGKILL)
        async with asyncio.timeout(30):
            while not failures:
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.5)
    assert len(failures) == 1
    assert "Postgres has ended" in str(failures[0])


async def test_connections_that_are_terminated_while_idle_are_replaced_every_time(database: Database, url: str) -> None:
    async with open_database(url, max_connections=1) as other:
        for _ in range(8):
            await _assert_whole(database)
            await other.fetch_value(_TERMINATE_OTHERS)
            await _assert_whole(database)


async def test_a_statement_whose_connection_is_terminated_is_unavailable_and_its_place_comes_back(
    database: Database, url: str
) -> None:
    async with open_database(url, max_connections=1) as other:
        running = [asyncio.ensure_future(_pid_in_transaction(database, 30.0)) for _ in range(_SIZE)]  # noqa: TID251 (ended below)
        await asyncio.sleep(0.2)
        await other.fetch_value(_TERMINATE_OTHERS)
        assert [type(each) for each in await asyncio.gather(*running, return_exceptions=True)] == [Unavailable] * _SIZE
    await _assert_whole(database)


@pytest.mark.parametrize("seed", [0, 1, *(pytest.param(each, marks=pytest.mark.fuzz) for each in range(2, 6))])
async def test_after_any_sequence_of_failures_every_place_of_the_pool_is_there(database: Database, url: str, seed: int) -> None:
    dice = random.Random(seed)
    async with open_database(url, max_connections=1) as other:
        running: list[asyncio.Task[int]] = []
        loop = asyncio.get_running_loop()
        for _ in range(40):
            match dice.randrange(5):
                case 0 | 1:
                    running.append(loop.create_task(_pid_in_transaction(database, dice.choice([0.0, 0.01, 0.05]))))
                case 2 if running:
                    dice.choice(running).cancel()
                case 3:
                    await asyncio.sleep(dice.choice([0.0, 0.005, 0.02]))
                case _ if dice.random() < 0.3:
                    await other.fetch_value(_TERMINATE_OTHERS)
        ended = await asyncio.gather(*running, return_exceptions=True)
    assert {type(each) for each in ended} <= {int, Unavailable, asyncio.CancelledError}
    await _assert_whole(database)


@pytest.mark.slow
@linux_only
async def test_a_frozen_postgres_is_given_up_by_this_side_and_used_again_when_it_goes_on(folder: Path) -> None:
    timeouts = DatabaseTimeouts(connect_seconds=0.3, acquire_seconds=0.3, statement_seconds=0.3, statement_grace_seconds=0.1)
    async with (
        embedded_postgres(folder, durable=False) as url,
        open_database(url, max_connections=2, timeouts=timeouts) as database,
    ):
        await _assert_whole(database, 2)
        stopped = postgres_pids(folder)
        in_transaction = asyncio.get_running_loop().create_task(_pid_in_transaction(database, 0.2))
        await asyncio.sleep(0.1)
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        try:
            async with asyncio.timeout(20):  # ten times what the timeouts add up to
                calls = [database.fetch_value(_ONE) for _ in range(6)] + [_pid_in_transaction(database) for _ in range(6)]
                ended = await asyncio.gather(in_transaction, *calls, return_exceptions=True)
                assert {type(each) for each in ended} == {Unavailable}
                cancelled = asyncio.get_running_loop().create_task(_pid_in_transaction(database))
                await asyncio.sleep(0)
                cancelled.cancel()
                assert isinstance((await asyncio.gather(cancelled, return_exceptions=True))[0], asyncio.CancelledError)
        finally:
            for pid in stopped:
                os.kill(pid, signal.SIGCONT)
        await _assert_whole(database, 2)


@pytest.mark.slow
async def test_pools_larger_than_postgres_allows_queue_and_say_so_at_the_start(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "persistence"):
        async with (
            embedded_postgres(folder, durable=False, settings={"max_connections": "9"}) as url,
            open_database(url, max_connections=20) as first,
            open_database(url, max_connections=20) as second,
        ):
            said = [record.getMessage() for record in caplog.records]
            assert (
                said
                == ["This process may open 20 connections, but Postgres allows 6: requests wait (HIVE_DATABASE_CONNECTIONS)."] * 2
            )
            pids = await asyncio.gather(*(_pid_in_transaction(each, 0.01) for each in (first, second) for _ in range(60)))
            assert len(pids) == 120
            assert len(set(pids)) <= 9
            assert first.pool_usage() == second.pool_usage() == (0, 0)


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")
async def test_a_full_disk_is_storage_full_and_everything_goes_on_when_there_is_room(folder: Path, tmp_path: Path) -> None:
    disk = Path(tempfile.mkdtemp(prefix="hive-disk-"))
    if subprocess.run(  # noqa: ASYNC221 (takes a millisecond)
        ["mount", "-t", "tmpfs", "-o", "size=1m,mode=0777", "tmpfs", disk], check=False
    ).returncode:
        pytest.skip("this machine does not let root mount a small disk")
    try:
        disk.chmod(0o777)
        async with embedded_postgres(folder, durable=False) as url, open_database(url, max_connections=2) as database:
            raw = await asyncpg.connect(url)
            owner = (folder / "cluster").stat()
            ballast = disk / "ballast"
            ballast.write_bytes(bytes(300_000))
            (disk / "space").mkdir(mode=0o700)
            os.chown(disk / "space", owner.st_uid, owner.st_gid)
            await raw.execute(f"CREATE TABLESPACE small LOCATION '{disk / 'space'}'")
            await raw.execute("CREATE TABLE filling (text TEXT) TABLESPACE small")
            await raw.execute("ALTER TABLE filling ALTER text SET STORAGE EXTERNAL")
            insert = Statement(select(func.fill(bindparam("text"))))
            await raw.execute(
                "CREATE FUNCTION fill(text) RETURNS BIGINT LANGUAGE sql AS 'INSERT INTO filling VALUES ($1) RETURNING 1::BIGINT'"
            )
            stored = 0

            async def fill() -> None:
                nonlocal stored
                while True:
                    async with database.begin() as connection:
                        await connection.fetch(insert, text="x" * 50_000)
                    stored += 1

            with pytest.raises(StorageFull) as full:
                await fill()
            assert full.value.code == "STORAGE_FULL"
            with pytest.raises(StorageFull):
                await database.fetch(insert, text="x" * 50_000)
            assert await raw.fetchval("SELECT count(*) FROM filling") == stored
            assert await database.fetch_value(_ONE) == 1
            ballast.unlink()
            await database.fetch(insert, text="x" * 50_000)
            assert await raw.fetchval("SELECT count(*) FROM filling") == stored + 1
            await raw.close()
    finally:
        subprocess.run(["umount", "-l", disk], check=True)  # noqa: ASYNC221 (the same)
        disk.rmdir()
