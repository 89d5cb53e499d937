"""Everybody comes back at once with a cursor, again and again, while others write: each change reaches each of them once, in order."""

import asyncio
import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import Final

import orjson
import pytest
from websockets.exceptions import WebSocketException

from tests.support.chaos_clients import FOLLOW
from tests.support.server_process import TASK_CREATE, Client, ServerProcess, create_team_and_project, register_user, subscribe

MAX_GROWTH_BYTES: Final = 64 * 1024 * 1024
_PATIENCE_SECONDS: Final = 300  # what is promised is that nothing is missed; how soon depends on what else the machine does


class Follower:
    """A client that subscribes from its last cursor on, and comes back whenever its connection ends."""

    def __init__(self, client: Client, cursor: str) -> None:
        self._client = client
        self._cursor = cursor
        self.received: list[str] = []
        self.connections = 0

    async def run(self) -> None:
        while True:
            with suppress(OSError, WebSocketException, TimeoutError, AssertionError):
                async with self._client.websocket() as socket:
                    await subscribe(socket, FOLLOW, after=self._cursor)
                    self.connections += 1
                    async for message in socket:
                        frame = orjson.loads(message)
                        if frame["type"] == "ping":
                            await socket.send('{"type":"pong"}')
                        elif frame["type"] == "next":
                            change = frame["payload"]["data"]["changes"]
                            self._cursor = change["cursor"]
                            if change["type"] == "Task" and change["kind"] == "CREATED":
                                self.received.append(change["entityId"])
                        else:
                            break
            await asyncio.sleep(0.02)

    async def has(self, count: int, connections: int) -> None:
        """Wait until it has come back so often, and has received so many."""
        while self.connections < connections or len(self.received) < count:
            await asyncio.sleep(0.02)


async def come_back(tmp_path: Path, database_url: str, *, followers: int, rounds: int) -> int:
    """Kill a server so often under so many followers: how often one of them connected."""
    server = ServerProcess(
        "api", folder=tmp_path, database_url=database_url, data_dir=tmp_path, log_level="error", cost_limits="off"
    )
    tasks: list[asyncio.Task[None]] = []
    try:
        server.start()
        await server.wait_until_ready()
        ada = await register_user(server)
        project_id = await create_team_and_project(ada)
        first = (await ada.run(TASK_CREATE, input={"projectId": project_id, "title": "First"}))["taskCreate"]
        everyone = [Follower(ada, first["cursor"]) for _ in range(followers)]
        tasks = [asyncio.create_task(each.run()) for each in everyone]  # noqa: TID251 (cancelled below)
        created: list[str] = []
        writer = Client(server, ada.token)
        memory: list[int] = []
        for number in range(rounds + 1):
            for _ in range(5):  # some while they come back, some while they listen
                made = await writer.run(TASK_CREATE, input={"projectId": project_id, "title": f"Task {len(created)}"})
                created.append(made["taskCreate"]["task"]["id"])
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await asyncio.gather(*(each.has(len(created), number + 1) for each in everyone))
            memory.append(int(Path(f"/proc/{server.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE"))
            if number < rounds:
                server.send_signal(signal.SIGKILL)
                server.kill()
                server.start()
                await server.wait_until_ready()
                await writer.close()  # its connection was to the one that was killed
                writer = Client(server, ada.token)
        assert {tuple(each.received) for each in everyone} == {tuple(created)}
        assert max(memory) - memory[0] < MAX_GROWTH_BYTES
        for client in (ada, writer):
            await client.close()
        return sum(each.connections for each in everyone)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        server.kill()


@pytest.mark.slow
async def test_everybody_who_comes_back_at_once_misses_nothing(server_database_url: str, tmp_path: Path) -> None:
    assert await come_back(tmp_path, server_database_url, followers=20, rounds=2) >= 60


@pytest.mark.chaos
async def test_5000_who_come_back_with_a_cursor_miss_nothing(server_database_url: str, tmp_path: Path) -> None:
    assert await come_back(tmp_path, server_database_url, followers=250, rounds=19) >= 5_000
