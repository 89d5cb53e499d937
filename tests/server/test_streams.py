"""A real server's streams over HTTP: signing out and a stopping server end them, a manifest says what may run."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.support.machine import allowed_seconds
from tests.support.server_process import (
    TASK_CREATE,
    Client,
    ServerProcess,
    create_team_and_project,
    register_user,
    running_process,
    running_server,
)

CHANGES = "subscription ($after: SyncCursor) { changes(after: $after) { kind clientMutationId cursor } }"
CAUGHT_UP = """subscription ($after: SyncCursor) {
  changes(after: $after, withCaughtUp: true) { kind clientMutationId cursor isCaughtUp }
}"""
SIGN_OUT = "mutation { sessionRevoke(input: {}) { errors { code } } }"
VIEWER = "query Viewer { viewer { displayName } }"


class EventReader:
    """The events of one stream."""

    def __init__(self, lines: AsyncIterator[str]) -> None:
        self._lines = lines

    async def next(self) -> tuple[str, Any]:
        """The next event's name and data; within 20 s."""
        name = ""
        async with asyncio.timeout(20):
            async for line in self._lines:
                field, _, value = line.partition(":")
                if field == "event":
                    name = value.strip()
                elif field == "data":
                    return name, orjson.loads(value) if value else None
        return "end", None


@asynccontextmanager
async def open_events(client: Client, query: str, **variables: Any) -> AsyncIterator[EventReader]:
    headers = {"accept": "text/event-stream", "authorization": f"Bearer {client.token}"}
    body = {"query": query, "variables": variables}
    async with client.http.stream("POST", "/graphql", json=body, headers=headers, timeout=30) as answer:
        assert answer.status_code == 200
        yield EventReader(answer.aiter_lines())


def code(event: tuple[str, Any]) -> tuple[str, str]:
    return event[0], event[1]["errors"][0]["extensions"]["code"]


@pytest.mark.slow
async def test_changes_are_streamed_from_a_cursor_on_until_one_signs_out(server: ServerProcess, ada: Client) -> None:
    project_id = await create_team_and_project(ada)
    first = (await ada.run(TASK_CREATE, input={"projectId": project_id, "title": "First"}))["taskCreate"]
    second = (await ada.run(TASK_CREATE, input={"projectId": project_id, "title": "Second", "clientMutationId": "m2"}))[
        "taskCreate"
    ]
    change = {"kind": "CREATED", "clientMutationId": "m2", "cursor": second["cursor"]}
    async with open_events(ada, CAUGHT_UP, after=first["cursor"]) as stream:
        assert await stream.next() == ("next", {"data": {"changes": change | {"isCaughtUp": False}}})
        assert (await stream.next())[1]["data"]["changes"]["isCaughtUp"]
    async with open_events(ada, CHANGES, after=first["cursor"]) as stream:
        assert await stream.next() == ("next", {"data": {"changes": change}})
        await ada.run(SIGN_OUT)
        began = time.monotonic()
        last = await stream.next()
        if "data" in last[1]:  # the end of the session is a change in the user's own stream, and may come first
            assert last[1]["data"]["changes"]["kind"] == "DELETED"
            last = await stream.next()
        assert code(last) == ("next", "UNAUTHENTICATED")
        assert await stream.next() == ("complete", None)
        assert time.monotonic() - began < allowed_seconds(6.0)


@pytest.mark.slow
async def test_a_server_that_stops_takes_leave_of_streams(server_database_url: str, tmp_path: Path) -> None:
    async with running_server(tmp_path, database_url=server_database_url) as server:
        ada = await register_user(server)
        async with open_events(ada, CHANGES) as stream:
            server.send_signal(signal.SIGTERM)
            assert code(await stream.next()) == ("next", "SERVICE_UNAVAILABLE")
            assert await stream.next() == ("end", None)
        await ada.close()
    assert "Traceback" not in server.output


@pytest.mark.slow
async def test_only_the_documents_of_the_manifest_run(server_database_url: str, tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.json"
    manifest.write_bytes(orjson.dumps({sha256(VIEWER.encode()).hexdigest(): VIEWER, "out": SIGN_OUT}))
    async with running_server(tmp_path, database_url=server_database_url, trusted_documents=manifest) as server:
        client = Client(server)
        named = await client.http.post("/graphql", json={"documentId": f"sha256:{sha256(VIEWER.encode()).hexdigest()}"})
        assert (named.status_code, named.json()) == (200, {"data": {"viewer": None}})
        other = await client.http.post("/graphql", json={"query": "{ viewer { id } }"})
        assert other.json()["errors"][0]["extensions"]["code"] == "PERSISTED_QUERY_REQUIRED"
        # GraphiQL could run nothing here, so it is shown nothing.
        assert (await client.http.get("/graphiql/schema.json")).status_code == 404
        assert (await client.http.post("/graphiql/cost", json={"query": "{ viewer { id } }"})).status_code == 404
        await client.close()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "HIVE_TRUSTED_DOCUMENTS cannot be read: No such file or directory: "),
        ('{"a": "{ nope }"}', "HIVE_TRUSTED_DOCUMENTS cannot be used: the document 'a' can't run: Cannot query field 'nope'"),
    ],
)
async def test_a_manifest_that_cannot_be_used_is_named_at_the_start(
    server_database_url: str, tmp_path: Path, content: str | None, said: str
) -> None:
    manifest = tmp_path / "manifest.json"
    if content is not None:
        manifest.write_text(content)
    with running_process(
        folder=tmp_path, database_url=server_database_url, seed_size="none", trusted_documents=manifest
    ) as server:
        assert await server.wait_for_exit() == 1
    assert said in server.output
    assert len(server.output.splitlines()) == 1
