"""Every transport gives a principal the answers that the tables are about: none knows rights of its own.

What `test_nodes` asks of the executor is asked here by HTTP POST and GET, by the hash of a document, as server-sent events and by
both protocols over websockets, and compared. Addresses are left out, since they carry the time at which they expire.
"""

import json
import re
from collections.abc import AsyncIterator
from typing import Any, Final

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from realtime.collaboration.messages import MessageType, SyncStep, sync_message
from tests.isolation.quick import some_in_quick
from tests.isolation.test_ids import PRINCIPALS, answer_code
from tests.isolation.test_nodes import outcome
from tests.support.app import App
from tests.support.collaboration_socket import EMPTY, next_message
from tests.support.principals import World
from tests.support.selections import everything_of
from tests.support.served_app import QUERY_TRANSPORTS, SUBSCRIPTION_TRANSPORTS, ServedApp, Transport, serve_app

_PLACEMENTS: Final = ("team", "private", "elsewhere", "nowhere")
_REFUSED: Final = ("expired", "suspended", "deleted")
_COLLABORATE: Final = 'subscription ($id: ID!) { documentCollaboration(id: $id, sessionId: "s") { __typename } }'

_CLOSE_CODES: Final = {
    "shown": None,
    "NOT_FOUND": 4404,
    "FORBIDDEN": 4403,
    "no scope": 4403,
    "sign in": 4401,
    "expired": 4401,
}
"""How the socket of live editing is closed to whom the subscription answers so."""


@pytest.fixture(scope="module")
async def served(app: App) -> AsyncIterator[ServedApp]:
    async with serve_app(app) as opened:
        yield opened


def _comparable(answer: Any) -> str:
    """An answer without addresses, and without what an answer says of the server's costs."""
    return re.sub(r'"(https?:)?//?[^"]*"', '"URL"', json.dumps(answer))


@pytest.mark.parametrize("principal", some_in_quick(PRINCIPALS, "guest"))
@pytest.mark.parametrize("transport", QUERY_TRANSPORTS)
async def test_queries_are_answered_alike(world: World, served: ServedApp, transport: str, principal: str) -> None:
    differing = []
    asker = world.principals[principal]
    async with Transport.open(served, asker, transport) as by:
        for type_name in world.types:
            text = f"query ($id: ID!) {{ node(id: $id) {{ ... on {type_name} {{ {everything_of(type_name, 1)} }} }} }}"
            for placement in _PLACEMENTS:
                id_ = world.id_at(type_name, placement)
                expected = await world.caller.ask(asker, text, id=id_)
                answer = await by.ask(text, id=id_)
                if principal in _REFUSED:
                    assert "data" not in answer
                    answer, expected = answer_code(answer), answer_code(expected)
                if _comparable(answer) != _comparable(expected):
                    differing.append((type_name, placement, answer, expected))
    assert differing == []


@pytest.mark.parametrize("principal", some_in_quick(PRINCIPALS, "guest"))
@pytest.mark.parametrize("transport", SUBSCRIPTION_TRANSPORTS)
async def test_subscriptions_are_refused_alike(world: World, served: ServedApp, transport: str, principal: str) -> None:
    asker = world.principals[principal]
    found, expected = {}, {}
    for placement in _PLACEMENTS:
        id_ = world.id_at("Document", placement)
        expected[placement] = outcome(await world.caller.first_event(asker, _COLLABORATE, id=id_), "documentCollaboration")
        async with Transport.open(served, asker, transport) as by:
            found[placement] = outcome(await by.ask(_COLLABORATE, id=id_), "documentCollaboration")
    assert found == expected


@pytest.mark.parametrize("principal", some_in_quick(PRINCIPALS, "guest"))
async def test_sockets_of_live_editing_let_in_whom_the_graph_lets_in(world: World, served: ServedApp, principal: str) -> None:
    asker = world.principals[principal]
    headers = {} if asker.authorization is None else {"authorization": asker.authorization}
    found: dict[str, int | None] = {}
    expected: dict[str, int | None] = {}
    for placement in _PLACEMENTS:
        id_ = world.id_at("Document", placement)
        by_graph = outcome(await world.caller.first_event(asker, _COLLABORATE, id=id_), "documentCollaboration")
        # To a link of a board no document is there; the graph has no such subscription for it.
        expected[placement] = 4404 if principal == "board link" else _CLOSE_CODES[by_graph]
        async with connect(f"ws://127.0.0.1:{served.port}/collaboration/{id_}", additional_headers=headers) as connection:
            try:
                await connection.send(sync_message(SyncStep.STEP_1, EMPTY))
                await next_message(connection, MessageType.SYNC, SyncStep.STEP_2)
                found[placement] = None
            except ConnectionClosed as closed:
                found[placement] = int(closed.rcvd.code) if closed.rcvd else None
    assert found == expected


@pytest.mark.parametrize("principal", some_in_quick(PRINCIPALS, "guest"))
async def test_mutations_are_refused_alike(world: World, served: ServedApp, principal: str) -> None:
    """With a version that no task has, so that nobody changes anything."""
    asker = world.principals[principal]
    text = """mutation ($id: ID!) { taskUpdate(input: {id: $id, title: "Taken", expectedVersion: 999}) {
      task { id } errors { __typename code message path } } }"""
    for transport in (each for each in QUERY_TRANSPORTS if each != "GET"):
        async with Transport.open(served, asker, transport) as by:
            for placement in _PLACEMENTS:
                id_ = world.id_at("Task", placement)
                expected, answer = await world.caller.ask(asker, text, id=id_), await by.ask(text, id=id_)
                if principal in _REFUSED:
                    answer, expected = answer_code(answer), answer_code(expected)
                assert answer == expected, (transport, placement)


async def test_a_get_changes_nothing(world: World, served: ServedApp) -> None:
    text = 'mutation ($id: ID!) { taskUpdate(input: {id: $id, title: "Taken"}) { task { id } } }'
    async with Transport.open(served, world.principals["owner"], "GET") as by:
        answer = await by.ask(text, id=world.own.objects["Task"])
    assert answer_code(answer) == "BAD_USER_INPUT"
    title = await world.caller.ask(
        world.principals["owner"], "query ($id: ID!) { task(id: $id) { title } }", id=world.own.objects["Task"]
    )
    assert title["data"]["task"]["title"] == "first okapi"
