"""Servers are replaced one after the other while people work behind a load balancer: no request fails, no change is missed."""

import asyncio
import random
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.support.backing_services import Valkey, free_port
from tests.support.chaos_clients import ChaosClients
from tests.support.hocuspocus_client import create_document_over_http
from tests.support.server_process import Client, ServerProcess, create_team_and_project, register_user

pytestmark = pytest.mark.long


class LoadBalancer:
    """
    Hands each connection to the next server that takes it, as a balancer of TCP does.

    One that is told to `drain` a server gives it no more connections, and waits for the end of those that it has.
    """

    def __init__(self, servers: list[ServerProcess]) -> None:
        self._servers = servers
        self._draining: set[int] = set()
        self._open: Counter[int] = Counter()
        self._next = 0
        self.port = free_port()

    async def drain(self, server: ServerProcess) -> None:
        self._draining.add(server.port)
        while self._open[server.port]:
            await asyncio.sleep(0.01)

    def add(self, server: ServerProcess) -> None:
        self._draining.discard(server.port)

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(2 * len(self._servers)):
            self._next += 1
            server = self._servers[self._next % len(self._servers)]
            if server.port in self._draining:
                continue
            with suppress(OSError):
                self._open[server.port] += 1
                try:
                    there_reader, there_writer = await asyncio.open_connection("127.0.0.1", server.port)
                    async with asyncio.TaskGroup() as ways:
                        ways.create_task(_copy(reader, there_writer))
                        ways.create_task(_copy(there_reader, writer))
                finally:
                    self._open[server.port] -= 1
                return
        writer.close()


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while piece := await source.read(65_536):
            target.write(piece)
            await target.drain()
    target.close()


@asynccontextmanager
async def balanced(servers: list[ServerProcess]) -> AsyncIterator[LoadBalancer]:
    balancer = LoadBalancer(servers)
    listening = await asyncio.start_server(balancer.handle, "127.0.0.1", balancer.port)
    try:
        yield balancer
    finally:
        listening.close()


async def test_replacing_servers_one_by_one_fails_no_request_and_loses_no_change(
    server_database_url: str, valkey_server: Valkey, tmp_path: Path
) -> None:
    async with AsyncExitStack() as stack:
        options: dict[str, Any] = {
            "database_url": server_database_url,
            "redis_url": valkey_server.url,
            "data_dir": tmp_path / "data",
            "public_url": "http://127.0.0.1",
            "seed_size": "none",
            "log_level": "warning",
            "cost_limits": "off",
        }
        servers = [ServerProcess("api", folder=tmp_path, **options) for _ in range(2)]
        for each in servers:
            each.start()
            stack.callback(each.kill)
            await each.wait_until_ready()
        balancer = await stack.enter_async_context(balanced(servers))
        ada = await register_user(servers[0])
        # A connection for each request: one that is idle when its server is told to stop is lost in a race with the next request.
        through = Client(servers[0], ada.token, url=f"http://127.0.0.1:{balancer.port}", keeps_connections=False)
        clients = ChaosClients([through], random.Random(1))
        project_id = await create_team_and_project(ada)
        await clients.begin(project_id, await create_document_over_http(ada, project_id))
        work = [asyncio.create_task(each) for each in (clients.add_tasks(), clients.discuss(), clients.discuss())]  # noqa: TID251 (awaited below)
        for each in servers:
            await asyncio.sleep(0.3)
            await balancer.drain(each)
            each.send_signal(signal.SIGTERM)
            assert await each.wait_for_exit() == 0, each.output
            each.start()
            await each.wait_until_ready()
            balancer.add(each)
        await asyncio.sleep(0.3)
        clients.stop()
        await asyncio.gather(*work)
        await clients.finish()
        for client in (ada, through):
            await client.close()
    assert clients.broken == 0
    assert clients.violations == []
    assert clients.refusals == {}
    assert clients.anomalies() == []
    assert clients.history.acknowledged() > 10
