"""Idle clients of every live transport stay connected for ten minutes, at the real times of the server. `make chaos` runs it."""

import asyncio
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.support.hocuspocus_client import create_document_over_http
from tests.support.idle_clients import idle_clients, idle_editor, idle_graphql_socket, idle_stream
from tests.support.server_process import ServerProcess, create_team_and_project, register_user

SOAK_SECONDS = 585
"""Ten minutes less a little: then the access token expires, and connections end with it."""
CLIENTS_OF_EACH_KIND = 8
CHANGES = "subscription{changes{kind cursor}}"
pytestmark = pytest.mark.chaos


async def test_idle_clients_stay_connected_for_ten_minutes(tmp_path: Path) -> None:
    server = ServerProcess(folder=tmp_path, data_dir=tmp_path, seed_size="none", log_level="warning")
    try:
        server.start()
        await server.wait_until_ready()
        ada = await register_user(server)
        document_id = await create_document_over_http(ada, await create_team_and_project(ada))
        socket = server.url.replace("http", "ws", 1)
        graph: dict[str, Any] = {"url": f"{socket}/graphql", "token": ada.token, "query": CHANGES}
        stream: dict[str, Any] = {"url": f"{server.url}/graphql", "token": ada.token, "query": CHANGES}
        kinds = {
            "graphql-transport-ws": partial(idle_graphql_socket, subprotocol="graphql-transport-ws", **graph),
            "graphql-ws": partial(idle_graphql_socket, subprotocol="graphql-ws", **graph),
            "server-sent events": partial(idle_stream, accept="text/event-stream", **stream),
            "multipart": partial(idle_stream, accept="multipart/mixed", **stream),
            "y-websocket": partial(idle_editor, url=f"{socket}/collaboration/{document_id}?token={ada.token}"),
        }
        runs = [(f"{kind} {number}", run) for kind, run in kinds.items() for number in range(CLIENTS_OF_EACH_KIND)]
        async with idle_clients(*runs) as clients:
            for _ in range(SOAK_SECONDS // 5):
                await asyncio.sleep(5)
                assert {each.name: each.ended for each in clients if each.ended} == {}
        assert min(each.heartbeats for each in clients) >= SOAK_SECONDS // 40
        await ada.close()
    finally:
        server.kill()
