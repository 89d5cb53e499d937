"""Two server processes over one database and one Valkey, which is killed and comes back while people work."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable
from statistics import median
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from tests.support.backing_services import Valkey, free_port
from tests.support.crash import TwoServerWorkload
from tests.support.machine import allowed_seconds
from tests.support.server_process import (
    TASK_CREATE,
    Client,
    ServerProcess,
    create_team_and_project,
    next_data,
    register_user,
    running_server,
    subscribe,
)

pytestmark = pytest.mark.slow

logger = logging.getLogger(__name__)
Pair = tuple[ServerProcess, ServerProcess]


@pytest.fixture(scope="module")
async def server_pair(
    server_database_url: str, valkey_server: Valkey, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Pair]:
    """Two servers that people reach under one address."""
    folder = tmp_path_factory.mktemp("pair")
    ports = free_port(), free_port()
    settings = {"database_url": server_database_url, "redis_url": valkey_server.url, "public_url": f"http://127.0.0.1:{ports[0]}"}
    async with (
        running_server(folder, port=ports[0], **settings) as one,
        running_server(folder, port=ports[1], **settings) as other,
    ):
        yield one, other


@pytest.mark.slow
async def test_a_killed_valkey_costs_a_delay_and_nothing_else(server_pair: Pair, valkey_server: Valkey) -> None:
    ada = await register_user(server_pair[0])
    again = Client(server_pair[1], ada.token)
    project_id = await create_team_and_project(ada)
    start = (await ada.run(TASK_CREATE, input={"projectId": project_id, "title": "First"}))["taskCreate"]["cursor"]
    relays = TwoServerWorkload((ada, again), project_id), TwoServerWorkload((ada, again), project_id)
    written, relays[1].acknowledged = relays[0], relays[0].acknowledged
    listening = [
        asyncio.get_running_loop().create_task(relay.receive_changes(client, start))
        for relay, client in zip(relays, (ada, again), strict=True)
    ]
    try:
        calm = await written.write(60, pause_seconds=0.005)
        for relay in relays:
            await relay.wait_until_all_received(timeout_seconds=30)
        at_ease = max(max(relay.delays) for relay in relays)

        valkey_server.kill()
        deaf = await written.write(60, pause_seconds=0.03)
        await asyncio.to_thread(valkey_server.start)
        await written.write(30, pause_seconds=0.02)
        for relay in relays:
            await relay.wait_until_all_received(timeout_seconds=30)
        worst = max(max(relay.delays) for relay in relays)

        quick = await written.write(40, pause_seconds=0.01)
        for relay in relays:
            await relay.wait_until_all_received(timeout_seconds=30)
    finally:
        for each in listening:
            each.cancel()
        await asyncio.gather(*listening, return_exceptions=True)
        await ada.close()
        await again.close()

    logger.info("Longest delay: %.3f s at ease, %.3f s with Valkey killed.", at_ease, worst)
    logger.info("Writes: median %.4f s at ease; deaf %.4f s, at most %.4f s.", median(calm), median(deaf), max(deaf))
    assert worst < allowed_seconds(4.0)
    assert max(deaf) < allowed_seconds(1.0)
    assert max(relays[0].delays[-40:] + relays[1].delays[-40:]) < allowed_seconds(1.0), "heard at once again"
    assert len(quick) == 40


async def collect_until_closed(socket: ClientConnection, received: list[str]) -> None:
    """Note the types of what is told until the connection closes, which raises."""
    while True:
        received.append((await next_data(socket))["changes"]["type"])


REVOKE = "mutation ($input: SessionRevokeInput!) { sessionRevoke(input: $input) { errors { code } } }"


@pytest.mark.parametrize(
    "query",
    ["subscription ($after: SyncCursor) { changes(after: $after) { kind type } }", None],
    ids=["with a subscription", "idle"],
)
async def test_a_session_that_is_ended_closes_its_sockets_on_every_process_within_a_second(
    server_pair: Pair, valkey_server: Valkey, query: str | None
) -> None:
    ada = await register_user(server_pair[0])
    elsewhere = Client(server_pair[1], ada.token)
    project_id = await create_team_and_project(ada)
    before = (await ada.run(TASK_CREATE, input={"projectId": project_id, "title": "Before"}))["taskCreate"]["cursor"]
    async with elsewhere.websocket() as socket:
        if query is not None:
            await subscribe(socket, query, after=before)
            await ada.run(TASK_CREATE, input={"projectId": project_id, "title": "Heard"})
            assert await next_data(socket) == {"changes": {"kind": "CREATED", "type": "Task"}}
        else:
            await asyncio.sleep(0.2)  # its stream is being subscribed to
        began = asyncio.get_running_loop().time()
        assert (await ada.run(REVOKE, input={}))["sessionRevoke"]["errors"] == []
        results: list[str] = []
        with pytest.raises(ConnectionClosed) as closed:
            await collect_until_closed(socket, results)
        assert closed.value.rcvd is not None
        assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4403, "UNAUTHENTICATED")
        assert asyncio.get_running_loop().time() - began < allowed_seconds(1.0)
        assert set(results) <= {"Session"}
    await ada.close()
    await elsewhere.close()


CREATE_TOKEN = "mutation ($input: ApiTokenCreateInput!) { apiTokenCreate(input: $input) { secret apiToken { id } } }"
REVOKE_TOKEN = "mutation ($input: DeleteInput!) { apiTokenRevoke(input: $input) { errors { code } } }"
CREATE_APP = """
mutation ($input: OAuthClientCreateInput!) { oauthClientCreate(input: $input) { secret oauthClient { id clientId } errors { code } } }
"""
DELETE_APP = "mutation ($input: DeleteInput!) { oauthClientDelete(input: $input) { errors { code } } }"


async def test_a_revoked_api_token_closes_its_sockets_on_every_process_within_a_second(
    server_pair: Pair, valkey_server: Valkey
) -> None:
    ada = await register_user(server_pair[0])
    made = (await ada.run(CREATE_TOKEN, input={"name": "Script", "scopes": ["TASKS_READ"]}))["apiTokenCreate"]
    await assert_closed_within_a_second(
        Client(server_pair[1], made["secret"]), ada.run(REVOKE_TOKEN, input={"id": made["apiToken"]["id"]})
    )
    await ada.close()


async def test_a_deleted_app_loses_its_sockets_on_every_process_within_a_second(server_pair: Pair, valkey_server: Valkey) -> None:
    ada = await register_user(server_pair[0])
    await create_team_and_project(ada)
    (team,) = (await ada.run("{ teams { nodes { id } } }"))["teams"]["nodes"]
    app = {"name": "App", "isPublic": False, "redirectUris": [], "grants": ["CLIENT_CREDENTIALS"], "scopes": ["TASKS_READ"]}
    made = (await ada.run(CREATE_APP, input={"teamId": team["id"]} | app))["oauthClientCreate"]
    auth = (made["oauthClient"]["clientId"], made["secret"])
    tokens = (await ada.http.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=auth)).json()
    elsewhere = Client(server_pair[1], tokens["access_token"])
    await assert_closed_within_a_second(elsewhere, ada.run(DELETE_APP, input={"id": made["oauthClient"]["id"]}))
    await ada.close()


async def assert_closed_within_a_second(client: Client, ending: Awaitable[Any]) -> None:
    """An idle websocket of the client is closed by what ends its credentials."""
    async with client.websocket() as socket:
        await asyncio.sleep(0.2)  # its stream is being subscribed to
        began = asyncio.get_running_loop().time()
        await ending
        with pytest.raises(ConnectionClosed) as closed:
            await collect_until_closed(socket, [])
        assert closed.value.rcvd is not None
        assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4403, "UNAUTHENTICATED")
        assert asyncio.get_running_loop().time() - began < allowed_seconds(1.0)
    await client.close()
