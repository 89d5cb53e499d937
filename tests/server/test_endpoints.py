"""A real server, met as a client meets it: signing in, asking, changing, listening, and being a web page."""

import asyncio
import time
from typing import Any

import httpx
import orjson
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.support.machine import allowed_seconds
from tests.support.server_process import (
    PASSWORD,
    TASK_CREATE,
    Client,
    ServerProcess,
    create_team_and_project,
    next_data,
    register_user,
    subscribe,
)

VIEWER = "{ viewer { id email } }"
SIGN_IN = """
mutation ($input: SessionCreateInput!) {
  sessionCreate(input: $input) { user { id } tokens { accessToken refreshToken } errors { code path } }
}
"""
SIGN_OUT = "mutation ($input: SessionRevokeInput!) { sessionRevoke(input: $input) { errors { code } } }"
CHANGES = """
subscription ($after: SyncCursor) {
  changes(after: $after) { cursor kind type entityId clientMutationId entity { ... on Task { key title } } }
}
"""


async def test_mails_are_shown_in_development(server: ServerProcess) -> None:
    ada = await register_user(server)
    email = (await ada.run(VIEWER))["viewer"]["email"]
    async with httpx.AsyncClient(base_url=server.url) as http, asyncio.timeout(30):
        while email not in (page := await http.get("/dev/mail")).text:
            await asyncio.sleep(0.05)
    assert page.status_code == 200
    await ada.close()


async def test_from_signing_in_to_receiving_ones_own_change(server: ServerProcess) -> None:
    ada = await register_user(server)
    email = (await ada.run(VIEWER))["viewer"]["email"]
    again = Client(server)
    payload = (await again.run(SIGN_IN, input={"email": email, "password": PASSWORD}))["sessionCreate"]
    assert payload["errors"] == []
    again.token = payload["tokens"]["accessToken"]

    project_id = await create_team_and_project(ada)
    first = (await ada.run(TASK_CREATE, input={"projectId": project_id, "title": "First"}))["taskCreate"]
    async with again.websocket() as socket:
        await subscribe(socket, CHANGES, after=first["cursor"])
        given = {"projectId": project_id, "title": "Second", "clientMutationId": "tab-1"}
        second = (await ada.run(TASK_CREATE, input=given))["taskCreate"]
        change = (await next_data(socket))["changes"]
    assert change == {
        "cursor": second["cursor"],
        "kind": "CREATED",
        "type": "Task",
        "entityId": second["task"]["id"],
        "clientMutationId": "tab-1",
        "entity": {"key": second["task"]["key"], "title": "Second"},
    }
    async with again.websocket() as socket:
        await subscribe(socket, CHANGES, after=first["cursor"])
        assert (await next_data(socket))["changes"] == change, "replayed after coming back"
    await ada.close()
    await again.close()


async def test_a_wrong_password_and_an_unknown_user_are_the_same_refusal(server: ServerProcess, ada: Client) -> None:
    email = (await ada.run(VIEWER))["viewer"]["email"]
    stranger = Client(server)
    answers = [
        (await stranger.post(SIGN_IN, input={"email": each, "password": "not this one, I fear"})).content
        for each in (email, "nobody@example.com")
    ]
    await stranger.close()
    assert answers[0] == answers[1]
    assert orjson.loads(answers[0])["data"]["sessionCreate"]["user"] is None


@pytest.mark.parametrize("header", ["Bearer nonsense", "Bearer", "Basic YTpi", "Bearer a.b.c"])
async def test_a_bad_token_opens_neither_http_nor_websocket(server: ServerProcess, header: str) -> None:
    async with httpx.AsyncClient() as http:
        answer = await http.post(f"{server.url}/graphql", json={"query": "{ __typename }"}, headers={"Authorization": header})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    with pytest.raises(ConnectionClosed) as closed:
        async with Client(server).websocket(payload={"Authorization": header}):
            pass
    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4403, "UNAUTHENTICATED")


@pytest.mark.slow
async def test_a_session_that_ends_closes_its_websocket_within_five_seconds(server: ServerProcess, ada: Client) -> None:
    async with ada.websocket() as socket:
        await subscribe(socket, CHANGES)
        assert (await ada.run(SIGN_OUT, input={}))["sessionRevoke"]["errors"] == []
        began = time.monotonic()
        with pytest.raises(ConnectionClosed) as closed:
            async with asyncio.timeout(60):
                await socket.recv()
        assert time.monotonic() - began < allowed_seconds(6.0)
    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4403, "UNAUTHENTICATED")
    assert (await ada.post(VIEWER)).status_code == 401


async def test_a_page_of_another_origin_gets_nothing_unless_it_is_allowed(server: ServerProcess) -> None:
    foreign = {"Origin": "https://elsewhere.example"}
    async with httpx.AsyncClient(base_url=server.url) as http:
        preflight = await http.options("/graphql", headers=foreign | {"Access-Control-Request-Method": "POST"})
        answer = await http.post("/graphql", json={"query": "{ __typename }"}, headers=foreign)
        by_get = await http.get("/graphql?query={__typename}", headers=foreign | {"Sec-Fetch-Site": "cross-site"})
    assert "access-control-allow-origin" not in preflight.headers.keys() | answer.headers.keys()
    assert (by_get.status_code, by_get.json()["errors"][0]["extensions"]["code"]) == (403, "FORBIDDEN")
    with pytest.raises(InvalidStatus) as refused:
        async with connect(f"{server.url.replace('http', 'ws')}/graphql", origin="https://elsewhere.example"):  # type: ignore[arg-type]
            pass
    assert refused.value.response.status_code == 403
    own: Any = server.url
    async with connect(f"{server.url.replace('http', 'ws')}/graphql", origin=own, subprotocols=["graphql-transport-ws"]):  # type: ignore[list-item]
        pass


async def test_health_is_reported_without_a_token(server: ServerProcess) -> None:
    async with httpx.AsyncClient(base_url=server.url) as http:
        alive, ready, page, config = [await http.get(path) for path in ("/healthz", "/readyz", "/", "/graphiql/config.json")]
    assert (alive.status_code, alive.text) == (200, "ok")
    assert (ready.status_code, ready.json()["ready"]) == (200, True)
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert config.json()["demo"] == {"email": "demo@pantherahive.dev", "password": "panthera-demo"}
