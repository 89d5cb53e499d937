"""Two hundred thousand requests of all kinds - good, broken, refused, on websockets - leave the memory of a server where it was."""

import asyncio
import itertools
import json
import os
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import pytest

from tests.support.attacks import HANDSHAKE, cap_memory
from tests.support.hostile_bytes import hostile_frames, hostile_request
from tests.support.hostile_documents import hostile_document
from tests.support.server_process import (
    TASK_CREATE,
    Client,
    ServerProcess,
    create_team_and_project,
    refresh_tokens,
    register_user,
    running_server,
)

pytestmark = pytest.mark.fuzz

REQUESTS: Final = 200_000
WARM_UP_REQUESTS: Final = 60_000
"""Until caches, pools and allocators have what they may."""
MAX_CHANGE: Final = 0.05
CONNECTIONS: Final = 16
_TURN: Final = 100
_FRAMES: Final = 10
_ANSWER_SECONDS: Final = 30.0
_TASKS: Final = "{ viewer { id assignedTasks(first: 20) { nodes { id title project { name } assignee { displayName } } } } }"
_SEARCH: Final = '{ search(query: "task %d", first: 5) { nodes { __typename } } }'


class MixedRequests:
    """Requests by their numbers; `statuses` counts the answers."""

    def __init__(self, client: Client, project_id: str) -> None:
        self._client = client
        self._port = client.server.port
        self._project_id = project_id
        self.statuses: Counter[int] = Counter()

    async def send(self, numbers: range) -> None:
        """Send them all, sixteen at a time."""
        left = iter(numbers)
        async with asyncio.TaskGroup() as tasks:
            for _ in range(CONNECTIONS):
                tasks.create_task(self._send_from(left))

    async def _send_from(self, left: Iterator[int]) -> None:
        while turn := list(itertools.islice(left, _TURN)):
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
            try:
                for number in turn:
                    if number % 10 == 7:
                        await self._send_broken(hostile_request(number))
                    elif number % 50 == 8:
                        await self._send_broken(HANDSHAKE % b"/graphql" + hostile_frames(number, _FRAMES))
                    else:
                        writer.write(self._request(number))
                        self.statuses[await _status(reader)] += 1
            finally:
                writer.close()

    def _request(self, number: int) -> bytes:
        token = self._client.token
        body: dict[str, object]
        match number % 10:
            case 0 | 1 | 2:
                body = {"query": "{ viewer { id } }"}
            case 3:
                body = {"query": _TASKS}
            case 4:
                body = {"query": _SEARCH % (number % 1_000)}
            case 5:
                body = {"query": hostile_document(number)[1]}
            case 6:
                body, token = {"query": "{ viewer { id } }"}, f"{self._client.token}x"
            case 8:
                given = {"input": {"projectId": self._project_id, "title": f"Task {number}"}}
                body = {"query": TASK_CREATE, "variables": given} if number % 100 == 18 else {"query": "{ nothing }"}
            case _:
                body, token = {"query": "{ server { version } }"}, None
        text = json.dumps(body).encode()
        authorization = b"" if token is None else b"Authorization: Bearer %b\r\n" % token.encode()
        return b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n%bContent-Length: %d\r\n\r\n%b" % (
            authorization,
            len(text),
            text,
        )

    async def _send_broken(self, data: bytes) -> None:
        with suppress(OSError):
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
            try:
                writer.write(data)
                writer.write_eof()
                async with asyncio.timeout(_ANSWER_SECONDS):
                    answer = await reader.read()
                if answer.startswith(b"HTTP/1.1 "):
                    self.statuses[int(answer[9:12])] += 1
            finally:
                writer.close()


async def _status(reader: asyncio.StreamReader) -> int:
    async with asyncio.timeout(_ANSWER_SECONDS):
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(int(length.partition(b":")[2]))
    return int(head[9:12])


def _memory_mib(server: ServerProcess) -> float:
    pages = int(Path(f"/proc/{server.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


async def test_two_hundred_thousand_mixed_requests_leave_the_memory_where_it_was(
    server_database_url: str, tmp_path: Path
) -> None:
    settings = {"database_url": server_database_url, "cost_limits": "off", "log_level": "error"}
    async with running_server(tmp_path, new_interpreter=True, **settings) as server:
        cap_memory(server)
        ada = await register_user(server)
        mixed = MixedRequests(ada, await create_team_and_project(ada))
        await mixed.send(range(WARM_UP_REQUESTS))
        before = _memory_mib(server)
        for first in range(WARM_UP_REQUESTS, WARM_UP_REQUESTS + REQUESTS, REQUESTS // 10):
            await refresh_tokens(ada)
            await mixed.send(range(first, first + REQUESTS // 10))
            sys.stdout.write(f"{first:>7} requests: {_memory_mib(server):.0f} MiB\n")
        after = _memory_mib(server)
        assert "Traceback" not in server.output
    assert not {500, 502, 504} & mixed.statuses.keys()
    assert {200, 400} <= mixed.statuses.keys()
    assert abs(after - before) <= MAX_CHANGE * before, f"{before:.0f} MiB before, {after:.0f} MiB after"
