"""Crashes in the middle of work, and what must be true after them."""

import asyncio
import random
import signal
import time
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx

from embedded import embedded_postgres
from resolvers import ids
from tests.services import Valkey
from tests.serving import TASK, Client, hear, subscribe

SINCE = """
query ($after: SyncCursor) { changes(after: $after, first: 100) { cursor nodes { type entityId } pageInfo { hasNextPage } } }
"""
FOLLOW = "subscription ($after: SyncCursor) { changes(after: $after) { cursor type entityId } }"
GAPS = """
  SELECT stream, streams.position AS head, count(events.position) AS told, count(DISTINCT events.position) AS places,
         coalesce(max(events.position), 0) AS last
  FROM streams LEFT JOIN events USING (stream) GROUP BY stream, streams.position
"""


async def write_until_it_ends(client: Client, project_id: str, acknowledged: list[UUID]) -> None:
    """Write tasks down as fast as they are acknowledged, until the server is gone."""
    while True:
        id_ = uuid4()
        given = {"id": str(id_), "projectId": project_id, "title": f"Card {len(acknowledged)}", "clientMutationId": str(id_)}
        try:
            payload = (await client.run(TASK, input=given))["taskCreate"]
        except httpx.TransportError:
            return
        assert payload["errors"] == []
        acknowledged.append(id_)


async def crash_while_writing(client: Client, project_id: str, *, after: float, writers: int = 4) -> list[UUID]:
    """Kill the client's server after some seconds of writing: the ids of what it had acknowledged."""
    acknowledged: list[UUID] = []
    async with asyncio.TaskGroup() as tasks:
        for _ in range(writers):
            tasks.create_task(write_until_it_ends(client, project_id, acknowledged))
        await asyncio.sleep(after)
        client.server.tell(signal.SIGKILL)
    client.server.kill()
    return acknowledged


async def since(client: Client, cursor: str) -> list[str]:
    """The tasks of which changes since a cursor tell."""
    told: list[str] = []
    while True:
        page = (await client.run(SINCE, after=cursor))["changes"]
        told += [each["entityId"] for each in page["nodes"] if each["type"] == "Task"]
        cursor = page["cursor"]
        if not page["pageInfo"]["hasNextPage"]:
            return told


def require_all(told: list[str], acknowledged: list[UUID]) -> None:
    """Everything acknowledged was told once; what was not may have been told too, its answer lost on the way."""
    assert len(told) == len(set(told))
    assert {ids.encode("Task", each) for each in acknowledged} <= set(told)


async def require_contiguous_streams(folder: Path) -> None:
    """No stream of the embedded database in a folder, whose server has ended, has a gap or a repeat."""
    async with embedded_postgres(folder / "postgres") as url:
        connection = await asyncpg.connect(url)
        try:
            rows = await connection.fetch(GAPS)
        finally:
            await connection.close()
    assert rows
    assert [row for row in rows if not row["head"] == row["told"] == row["places"] == row["last"]] == []


class Relay:
    """Work that one client does on two servers in turn while another listens, and how long each took to be heard."""

    def __init__(self, writers: tuple[Client, Client], project_id: str) -> None:
        self._writers = writers
        self._project_id = project_id
        self.acknowledged: dict[str, float] = {}
        self.latencies: list[float] = []
        self.heard: list[str] = []
        self.delays: list[float] = []

    async def write(self, count: int, *, pause: float) -> list[float]:
        """Write tasks down one after the other: how long each took to be acknowledged."""
        latencies = []
        for number in range(count):
            began = time.monotonic()
            given = {"projectId": self._project_id, "title": f"Card {len(self.acknowledged)}"}
            payload = (await self._writers[number % 2].run(TASK, input=given))["taskCreate"]
            now = time.monotonic()
            self.acknowledged[payload["task"]["id"]] = now
            latencies.append(now - began)
            await asyncio.sleep(pause)
        return latencies

    async def listen(self, client: Client, after: str) -> None:
        """Hear every change, and when."""
        async with client.websocket() as socket:
            await subscribe(socket, FOLLOW, after=after)
            while True:
                change: Any = (await hear(socket))["changes"]
                if change["type"] == "Task":
                    self.heard.append(change["entityId"])
                    self.delays.append(time.monotonic() - self.acknowledged.get(change["entityId"], time.monotonic()))

    async def everything_heard(self, *, within: float) -> None:
        """Wait until all that was acknowledged has been heard: once, and in order."""
        async with asyncio.timeout(within):
            while len(self.heard) < len(self.acknowledged):
                await asyncio.sleep(0.01)
        assert self.heard == list(self.acknowledged)


async def kill_at_random(valkey: Valkey, dice: random.Random, *, times: int) -> None:
    """Kill Valkey and bring it back, over and over."""
    for _ in range(times):
        await asyncio.sleep(dice.uniform(0.0, 1.5))
        valkey.kill()
        await asyncio.sleep(dice.uniform(0.0, 3.0))
        await asyncio.to_thread(valkey.start)
