"""Every service behind the server fails in turn, and the server is frozen, while people write, listen and edit together."""

import asyncio
import os
import random
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, quote, urlsplit

import asyncpg
import pytest

from tests.conftest import migrate_template
from tests.support.backing_services import Valkey, free_port
from tests.support.blob_stores import ministack_store
from tests.support.chaos_clients import MAX_ANSWER_SECONDS, ChaosClients
from tests.support.fault_proxy import FaultProxy, socket_proxy, tcp_proxy
from tests.support.hocuspocus_client import create_document_over_http
from tests.support.machine import allowed_seconds
from tests.support.server_process import ServerProcess, create_team_and_project, refresh_tokens, register_user, running_server

RECOVERY_SECONDS: Final = 2.0
MAX_GROWTH_BYTES: Final = 64 * 1024 * 1024
MAX_FREEZE_SECONDS: Final = 8.0
"""Of the server itself: who asks it meanwhile waits as long, and nothing that waits for what is behind it may take 10 s."""
FAULTS: Final = (
    *(("redis", fault) for fault in ("down", "silent", "slow")),
    *(("storage", fault) for fault in ("down", "silent", "slow", "errs")),
    ("all but postgres", "down"),
    ("valkey", "frozen"),
    ("postgres", "slow"),
    ("postgres", "down"),
    ("postgres", "silent"),
    ("postgres", "locked"),
    ("server", "frozen"),
)


@dataclass(frozen=True)
class Behind:
    """A server, and the services behind it, each behind a proxy."""

    server: ServerProcess
    url: str
    redis: FaultProxy
    storage: FaultProxy
    postgres: FaultProxy
    valkey: Valkey

    @asynccontextmanager
    async def failing(self, what: str, fault: str) -> AsyncIterator[None]:
        """A fault for the length of the block."""
        async with AsyncExitStack() as stack:
            match what, fault:
                case "server", _:
                    os.kill(self.server.pid, signal.SIGSTOP)
                    stack.callback(os.kill, self.server.pid, signal.SIGCONT)
                case "valkey", _:
                    stack.enter_context(self.valkey.black_holed())
                case "postgres", "locked":
                    connection = await asyncpg.connect(self.url)
                    stack.push_async_callback(connection.close)
                    await connection.execute("BEGIN; LOCK TABLE tasks IN ACCESS EXCLUSIVE MODE")
                case "all but postgres", _:
                    for each in (self.redis, self.storage):
                        await stack.enter_async_context(each.failing(fault))
                case _:
                    proxy: FaultProxy = getattr(self, what)
                    await stack.enter_async_context(proxy.failing(fault))
            yield

    def memory_bytes(self) -> int:
        """The resident memory of the server."""
        return int(Path(f"/proc/{self.server.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@asynccontextmanager
async def open_behind(postgres_server: str, valkey: Valkey, folder: Path) -> AsyncIterator[Behind]:
    from tests.support.backing_services import database_from_template

    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(database_from_template(postgres_server, "migrated", migrate_template))
        sockets = Path(tempfile.mkdtemp(prefix="hive-"))
        stack.callback(shutil.rmtree, sockets, ignore_errors=True)
        given = parse_qs(urlsplit(url).query)
        upstream = Path(given["host"][0]) / f".s.PGSQL.{given['port'][0]}"
        postgres = await stack.enter_async_context(socket_proxy(upstream, sockets))
        redis = await stack.enter_async_context(tcp_proxy(valkey.port))
        bucket = await stack.enter_async_context(ministack_store(folder))
        endpoint = bucket.url.rpartition("endpoint=")[2]
        storage = await stack.enter_async_context(tcp_proxy(int(endpoint.rpartition(":")[2])))
        server = await stack.enter_async_context(
            running_server(
                folder,
                database_url=url.replace(quote(given["host"][0]), quote(str(sockets))),
                redis_url=f"redis://127.0.0.1:{redis.port}/0",
                blobs_url=bucket.url.replace(endpoint, f"http://127.0.0.1:{storage.port}"),
                opensearch_url=f"http://127.0.0.1:{free_port()}/nobody",
                cost_limits="off",
                log_level="error",
            )
        )
        yield Behind(server, url, redis, storage, postgres, valkey)


async def endure(behind: Behind, seconds: float, dice: random.Random) -> dict[str, Any]:
    """Have every fault for so long while people work: what was done. Fails where one of them may rightly complain."""
    ada = await register_user(behind.server)
    project_id = await create_team_and_project(ada)
    clients = ChaosClients([ada], dice)
    await clients.begin(project_id, await create_document_over_http(ada, project_id))
    recoveries: dict[str, float] = {}
    tasks = [asyncio.get_running_loop().create_task(each) for each in _work(clients)]
    try:
        await clients.is_back()
        before = behind.memory_bytes()
        for what, fault in FAULTS:
            await refresh_tokens(ada)  # all of them may take longer than a token lives
            async with behind.failing(what, fault):
                if what in ("redis", "valkey", "storage", "all but postgres"):  # tasks need Postgres alone
                    assert await clients.is_back() <= allowed_seconds(MAX_ANSWER_SECONDS), (what, fault)
                await asyncio.sleep(min(seconds, MAX_FREEZE_SECONDS) if what == "server" else seconds)
            recoveries[f"{what} {fault}"] = await clients.is_back()
            assert recoveries[f"{what} {fault}"] <= allowed_seconds(RECOVERY_SECONDS), (what, fault)
        growth = behind.memory_bytes() - before
        clients.stop()
        await asyncio.gather(*tasks[:-1])
        await clients.finish()
    finally:
        for each in tasks:
            each.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    assert clients.violations == []
    assert clients.slowest_seconds <= allowed_seconds(MAX_ANSWER_SECONDS)
    assert clients.anomalies() == []
    assert growth < MAX_GROWTH_BYTES
    return {"acknowledged": clients.history.acknowledged(), "recoveries": recoveries, "refusals": clients.refusals}


def _work(clients: ChaosClients) -> list[Any]:
    """What people do; the last of it is listening."""
    writing = [clients.add_tasks(), clients.discuss(), clients.discuss(), clients.add_documents(), clients.edit(), clients.edit()]
    return [*writing, clients.follow()]


@pytest.mark.long
async def test_services_that_fail_in_turn_lose_nothing_and_hold_up_nobody(
    postgres_server: str, valkey_server: Valkey, tmp_path: Path
) -> None:
    async with open_behind(postgres_server, valkey_server, tmp_path) as behind:
        done = await endure(behind, 0.1, random.Random(18))
    assert done["acknowledged"] > 50


@pytest.mark.chaos
@pytest.mark.parametrize("seed", range(3))
async def test_services_that_fail_for_long_lose_nothing_and_hold_up_nobody(
    postgres_server: str, valkey_server: Valkey, tmp_path: Path, seed: int
) -> None:
    async with open_behind(postgres_server, valkey_server, tmp_path) as behind:
        done = await endure(behind, 8.0 if seed else 60.0, random.Random(seed))
    assert done["acknowledged"] > 1_000
