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
from tests.support.backing_services import Valkey
from tests.support.server_process import TASK_CREATE, Client, next_data, subscribe

TASK_CHANGES_QUERY = """
query ($after: SyncCursor) { changes(after: $after, first: 100) { cursor nodes { type entityId } pageInfo { hasNextPage } } }
"""
TASK_CHANGES_SUBSCRIPTION = "subscription ($after: SyncCursor) { changes(after: $after) { cursor type entityId } }"
STREAM_GAPS_QUERY = """
  SELECT stream, streams.position AS head, count(events.position) AS entries, count(DISTINCT events.position) AS places,
         coalesce(max(events.position), 0) AS last
  FROM streams LEFT JOIN events USING (stream) GROUP BY stream, streams.position
"""


async def create_tasks_until_server_ends(client: Client, project_id: str, acknowledged: list[UUID]) -> None:
    """Write tasks down as fast as they are acknowledged, until the server is gone."""
    while True:
        id_ = uuid4()
        given = {"id": str(id_), "projectId": project_id, "title": f"Card {len(acknowledged)}", "clientMutationId": str(id_)}
        try:
            payload = (await client.run(TASK_CREATE, input=given))["taskCreate"]
        except httpx.TransportError:
            return
        assert payload["errors"] == []
        acknowledged.append(id_)


async def crash_while_writing(client: Client, project_id: str, *, after_seconds: float, writers: int = 4) -> list[UUID]:
    """Kill the client's server after some seconds of writing: the ids of what it had acknowledged."""
    acknowledged: list[UUID] = []
    async with asyncio.TaskGroup() as tasks:
        for _ in range(writers):
            tasks.create_task(create_tasks_until_server_ends(client, project_id, acknowledged))
        await asyncio.sleep(after_seconds)
        client.server.send_signal(signal.SIGKILL)
    client.server.kill()
    return acknowledged


async def changed_task_ids(client: Client, cursor: str) -> list[str]:
    """The tasks in the changes since a cursor."""
    task_ids: list[str] = []
    while True:
        page = (await client.run(TASK_CHANGES_QUERY, after=cursor))["changes"]
        task_ids += [each["entityId"] for each in page["nodes"] if each["type"] == "Task"]
        cursor = page["cursor"]
        if not page["pageInfo"]["hasNextPage"]:
            return task_ids


def require_all_reported(reported: list[str], acknowledged: list[UUID]) -> None:
    """Everything acknowledged is in the log once; what was not may be too, its answer lost on the way."""
    assert len(reported) == len(set(reported))
    assert {ids.encode("Task", each) for each in acknowledged} <= set(reported)


async def require_contiguous_streams(folder: Path) -> None:
    """No stream of the embedded database in a folder, whose server has ended, has a gap or a repeat."""
    async with embedded_postgres(folder / "postgres") as url:
        connection = await asyncpg.connect(url)
        try:
            rows = await connection.fetch(STREAM_GAPS_QUERY)
        finally:
            await connection.close()
    assert rows
    assert [row for row in rows if not row["head"] == row["entries"] == row["places"] == row["last"]] == []


class TwoServerWorkload:
    """Writes of one client on two servers in turn while another listens, and the delay of each delivery."""

    def __init__(self, writers: tuple[Client, Client], project_id: str) -> None:
        self._writers = writers
        self._project_id = project_id
        self.acknowledged: dict[str, float] = {}
        self.latencies: list[float] = []
        self.received: list[str] = []
        self.delays: list[float] = []

    async def write(self, count: int, *, pause_seconds: float) -> list[float]:
        """Write tasks down one after the other: how long each took to be acknowledged."""
        latencies = []
        for number in range(count):
            began = time.monotonic()
            given = {"projectId": self._project_id, "title": f"Card {len(self.acknowledged)}"}
            payload = (await self._writers[number % 2].run(TASK_CREATE, input=given))["taskCreate"]
            now = time.monotonic()
            self.acknowledged[payload["task"]["id"]] = now
            latencies.append(now - began)
            await asyncio.sleep(pause_seconds)
        return latencies

    async def receive_changes(self, client: Client, after: str) -> None:
        """Record every change, and when it arrived."""
        async with client.websocket() as socket:
            await subscribe(socket, TASK_CHANGES_SUBSCRIPTION, after=after)
            while True:
                change: Any = (await next_data(socket))["changes"]
                if change["type"] == "Task":
                    self.received.append(change["entityId"])
                    self.delays.append(time.monotonic() - self.acknowledged.get(change["entityId"], time.monotonic()))

    async def wait_until_all_received(self, *, timeout_seconds: float) -> None:
        """Wait until all that was acknowledged has been delivered: once, and in order."""
        async with asyncio.timeout(timeout_seconds):
            while len(self.received) < len(self.acknowledged):
                await asyncio.sleep(0.01)
        assert self.received == list(self.acknowledged)


async def kill_valkey_at_random(valkey: Valkey, rng: random.Random, *, times: int) -> None:
    """Kill Valkey and bring it back, over and over."""
    for _ in range(times):
        await asyncio.sleep(rng.uniform(0.0, 1.5))
        valkey.kill()
        await asyncio.sleep(rng.uniform(0.0, 3.0))
        await asyncio.to_thread(valkey.start)
