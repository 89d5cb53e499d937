"""Several workers behind one port: all answer, all hear, one may die, and none outlives the server."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from socket import create_server
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection

from tests.support.backing_services import Valkey
from tests.support.server_process import (
    ROOT,
    TASK_CREATE,
    Client,
    ServerProcess,
    create_team_and_project,
    next_data,
    register_user,
    running_process,
    subscribe,
)

pytestmark = pytest.mark.slow

CHANGES = "subscription ($after: SyncCursor) { changes(after: $after) { kind entityId } }"
NOW = "{ changes { cursor } }"
TIMEOUT_SECONDS = 60.0


def children(pid: int) -> set[int]:
    """The processes that a process has started and that are alive, but for databases."""
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return {int(each) for each in found if b"--ready-fd" in Path(f"/proc/{each}/cmdline").read_bytes()}


def alive(pids: Iterable[int]) -> set[int]:
    """Those that have not ended; who has ended and was not asked after counts as gone."""
    return {pid for pid in pids if Path(f"/proc/{pid}").exists() and " Z " not in Path(f"/proc/{pid}/stat").read_text()}


async def wait_until_ended(pids: Iterable[int], *, timeout_seconds: float) -> None:
    async with asyncio.timeout(timeout_seconds):
        while alive(pids):
            await asyncio.sleep(0.01)


async def answering_workers(server: ServerProcess, enough: int) -> set[str]:
    """Who answers new connections, by the part of a request's id that is the same for all of one process."""
    found: set[str] = set()
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while len(found) < enough:
            async with httpx.AsyncClient(base_url=server.url) as http:
                answer = await http.post("/graphql", json={"query": "{ __typename }"})
                assert answer.status_code == 200
                found.add(answer.headers["x-request-id"][:12])
    return found


async def wait_until_announced(server: ServerProcess) -> None:
    await server.wait_until_ready()
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while "PantheraHive is up" not in server.output:
            await asyncio.sleep(0.02)


@pytest.fixture(scope="module")
async def two_worker_server(
    server_database_url: str, valkey_server: Valkey, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[ServerProcess]:
    """A server with two workers, started as a shell's background job is: with SIGINT ignored. The last test ends it."""
    settings = {"database_url": server_database_url, "redis_url": valkey_server.url, "log_level": "info"}
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    with running_process(
        "api", "--workers", "2", folder=tmp_path_factory.mktemp("pair"), new_interpreter=True, **settings
    ) as server:
        signal.signal(signal.SIGINT, before)
        await wait_until_announced(server)
        yield server


async def test_all_workers_answer_and_it_is_said_once_that_they_do(two_worker_server: ServerProcess) -> None:
    assert len(children(two_worker_server.pid)) == 2
    assert len(await answering_workers(two_worker_server, 2)) == 2
    assert two_worker_server.output.count("PantheraHive is up") == 1
    assert (
        f"PantheraHive is up (process {two_worker_server.pid} with 2 workers).\n  GraphiQL   {two_worker_server.url}/\n"
        in two_worker_server.output
    )


async def test_a_change_through_one_is_received_through_the_other_and_a_killed_one_is_replaced(
    two_worker_server: ServerProcess,
) -> None:
    ada = await register_user(two_worker_server)
    project_id = await create_team_and_project(ada)
    async with AsyncExitStack() as stack:
        # One socket at each worker: told apart by whom a kill takes away.
        sockets = [await stack.enter_async_context(ada.websocket()) for _ in range(8)]
        now = (await ada.run(NOW))["changes"]["cursor"]
        for socket in sockets:
            await subscribe(socket, CHANGES, after=now)
        made = await create_task(two_worker_server, ada.token, project_id, "Heard by all")
        assert [await next_entity_id(socket) for socket in sockets] == [made] * 8

        before = children(two_worker_server.pid)
        victim = min(before)
        os.kill(victim, signal.SIGKILL)
        await wait_until_ended([victim], timeout_seconds=TIMEOUT_SECONDS)
        staying = [socket for socket in sockets if not await is_closed(socket)]
        assert 0 < len(staying) < 8

        # The one that stays answers new connections all the while, until the other is back.
        seen = [await create_task(two_worker_server, ada.token, project_id, f"Task {number}") for number in range(5)]
        for socket in staying:
            assert [await next_entity_id(socket) for _ in seen] == seen
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while len(children(two_worker_server.pid)) < 2:
                await asyncio.sleep(0.02)
        assert children(two_worker_server.pid) & before == before - {victim}
        assert len(await answering_workers(two_worker_server, 2)) == 2
        async with ada.websocket() as late:
            now = (await ada.run(NOW))["changes"]["cursor"]
            await subscribe(late, CHANGES, after=now)
            made = await create_task(two_worker_server, ada.token, project_id, "Heard by the new one too")
            assert [await next_entity_id(socket) for socket in (*staying, late)] == [made] * (len(staying) + 1)
    await ada.close()
    # At once when it had answered for ten seconds, as on a slow machine; else after a quarter of a second.
    assert f"(process {victim}) was ended by SIGKILL; it is started again in 0." in two_worker_server.output
    assert two_worker_server.output.count("PantheraHive is up") == 1


async def create_task(server: ServerProcess, token: str | None, project_id: str, title: str) -> str:
    """The id of a new task, made over a new connection."""
    client = Client(server, token)
    try:
        task_id: str = (await client.run(TASK_CREATE, input={"projectId": project_id, "title": title}))["taskCreate"]["task"][
            "id"
        ]
    finally:
        await client.close()
    return task_id


async def next_entity_id(socket: ClientConnection) -> str:
    """The id in the next change that a subscription tells."""
    entity_id: str = (await next_data(socket))["changes"]["entityId"]
    return entity_id


async def is_closed(socket: ClientConnection) -> bool:
    """Whether the connection breaks within a moment."""
    try:
        async with asyncio.timeout(0.3):
            await socket.wait_closed()
    except TimeoutError:
        return False
    return True


async def test_who_comes_second_is_notified_that_the_port_is_taken(two_worker_server: ServerProcess, tmp_path: Path) -> None:
    settings: dict[str, Any] = {"port": two_worker_server.port, "redis_url": "redis://127.0.0.1:1", "data_dir": tmp_path / "data"}
    with (
        running_process("serve", "--workers", "2", folder=tmp_path, **settings) as second,
        running_process(folder=tmp_path, **settings) as third,
    ):
        assert (await second.wait_for_exit(), await third.wait_for_exit()) == (1, 1)
        taken = (
            f"Port {two_worker_server.port} of 127.0.0.1 is in use: stop what listens there, or choose another with HIVE_PORT.\n"
        )
        assert (second.output, third.output) == (taken, taken)
    assert not (tmp_path / "data").exists()


async def test_a_signal_ends_all_in_good_order_and_closes_connections(two_worker_server: ServerProcess) -> None:
    ada = await register_user(two_worker_server)
    workers = children(two_worker_server.pid)
    async with AsyncExitStack() as stack:
        sockets = [await stack.enter_async_context(ada.websocket()) for _ in range(8)]
        for socket in sockets:
            await subscribe(socket, CHANGES)
        two_worker_server.send_signal(signal.SIGTERM)
        assert await two_worker_server.wait_for_exit() == 0, two_worker_server.output
        assert alive(workers) == set()
        for socket in sockets:
            await socket.wait_closed()
        assert {socket.close_code for socket in sockets} == {1001}
    await ada.close()
    assert "Traceback" not in two_worker_server.output


@pytest.mark.long
async def test_a_killed_supervisor_takes_everything_along(valkey_server: Valkey, tmp_path: Path) -> None:
    settings: dict[str, Any] = {"redis_url": valkey_server.url, "data_dir": tmp_path / "data", "seed_size": "none"}
    with running_process("serve", "--workers", "2", folder=tmp_path, **settings) as server:
        await wait_until_announced(server)
        assert len(await answering_workers(server, 2)) == 2
        database = int((tmp_path / "data" / "postgres" / "cluster" / "postmaster.pid").read_text().splitlines()[0])
        everything = {*children(server.pid), database}
        assert len(alive(everything)) == 4  # two that answer, one that works, and the database
        server.kill()
        await wait_until_ended(everything, timeout_seconds=TIMEOUT_SECONDS)


@pytest.fixture
def occupied_port() -> Iterator[int]:
    """A port on which somebody listens."""
    with create_server(("127.0.0.1", 0)) as taken:
        yield taken.getsockname()[1]


async def test_a_port_for_metrics_that_is_taken_is_named_before_workers_start(
    server_database_url: str, valkey_server: Valkey, occupied_port: int, tmp_path: Path
) -> None:
    settings = {"database_url": server_database_url, "redis_url": valkey_server.url, "metrics_port": occupied_port - 1}
    with running_process("api", "--workers", "2", folder=tmp_path, **settings) as server:
        assert await server.wait_for_exit() == 1
    (line,) = server.output.splitlines()
    assert line.startswith("Port ")
    assert "of 127.0.0.1 cannot be used for metrics: Address already in use. Choose with HIVE_METRICS_PORT." in line


@pytest.mark.long
async def test_workers_that_cannot_start_end_the_server(server_database_url: str, valkey_server: Valkey, tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.json"
    manifest.write_text('{"a": "{ nope }"}')
    settings = {"database_url": server_database_url, "redis_url": valkey_server.url, "trusted_documents": manifest}
    with running_process("api", "--workers", "2", folder=tmp_path, **settings) as server:
        assert await server.wait_for_exit() == 1
    assert "HIVE_TRUSTED_DOCUMENTS cannot be used: the document 'a' can't run" in server.output
    assert server.output.endswith("A worker cannot start; its reason stands above.\n")


@pytest.mark.parametrize(
    ("words", "settings", "said"),
    [
        (
            ("serve", "--workers", "2"),
            {},
            "2 workers learn of each other's changes through Redis: set HIVE_REDIS_URL, or leave --workers out.\n",
        ),
        (
            ("--workers", "40"),
            {"redis_url": "redis://127.0.0.1:1"},
            "40 workers with 10 connections each are more than the 200 of the embedded Postgres: "
            "set a smaller HIVE_DATABASE_CONNECTIONS, or HIVE_DATABASE_URL.\n",
        ),
    ],
)
async def test_what_workers_need_is_named_in_a_line(
    tmp_path: Path, words: tuple[str, ...], settings: dict[str, str], said: str
) -> None:
    with running_process(*words, folder=tmp_path, data_dir=tmp_path / "data", **settings) as server:
        assert await server.wait_for_exit() == 1
    assert server.output == said
    assert not (tmp_path / "data").exists()


def test_no_number_of_workers_is_refused() -> None:
    asked = subprocess.run(
        [sys.executable, "server.py", "--workers", "many"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert asked.returncode == 2
    assert asked.stderr.endswith("server.py: error: argument --workers: many is no number of processes\n")
