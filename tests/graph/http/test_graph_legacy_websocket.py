"""The older websocket protocol `graphql-ws`, as subscriptions-transport-ws and Apollo Kotlin speak it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
from websockets.asyncio.client import ClientConnection

from tests.graph.http.test_graph_websocket import close_reason, receive, send
from tests.support.sample_graph import Journal
from tests.support.sample_server import SampleServer, run_sample_server

pytestmark = pytest.mark.usefixtures("no_warnings")


@asynccontextmanager
async def open_legacy_websocket(server: SampleServer, payload: Any = None) -> AsyncIterator[ClientConnection]:
    async with server.connect(subprotocols=["graphql-ws"]) as ws:
        await send(ws, type="connection_init", payload=payload)
        assert [await receive(ws), await receive(ws)] == [{"type": "connection_ack"}, {"type": "ka"}]
        yield ws


async def start(ws: ClientConnection, id: str, query: str, **variables: Any) -> None:
    await send(ws, id=id, type="start", payload={"query": query, "variables": variables})


async def test_start_gives_data_and_complete(server: SampleServer) -> None:
    async with open_legacy_websocket(server, {"Authorization": "Bearer ann"}) as ws:
        assert ws.subprotocol == "graphql-ws"
        await start(ws, "s", "subscription($n:Int!){count(to:$n)}", n=1)
        assert await receive(ws) == {"id": "s", "type": "data", "payload": {"data": {"count": 0}}}
        assert await receive(ws) == {"id": "s", "type": "complete"}
        await start(ws, "q", "{viewer}")
        assert await receive(ws) == {"id": "q", "type": "data", "payload": {"data": {"viewer": "ann"}}}
        assert await receive(ws) == {"id": "q", "type": "complete"}


async def test_operations_may_come_in_the_same_breath_as_the_hello(server: SampleServer) -> None:
    async with server.connect(subprotocols=["graphql-ws"]) as ws:
        await send(ws, type="connection_init", payload={"Authorization": "Bearer late"})
        await start(ws, "1", "{viewer}")
        await start(ws, "2", "subscription{count(to:9,wait:60)}")
        await send(ws, id="2", type="stop")
        assert [await receive(ws) for _ in range(4)] == [
            {"type": "connection_ack"},
            {"type": "ka"},
            {"id": "1", "type": "data", "payload": {"data": {"viewer": "late"}}},
            {"id": "1", "type": "complete"},
        ]
    async with server.connect(subprotocols=["graphql-ws"]) as ws:
        await start(ws, "1", "{viewer}")
        assert await close_reason(ws) == (4401, "Unauthorized")
    async with server.connect(subprotocols=["graphql-ws"]) as ws:
        await send(ws, type="connection_init", payload={"Authorization": "Bearer late"})
        for number in range(21):
            await start(ws, str(number), "{viewer}")
        assert await close_reason(ws) == (4401, "Unauthorized")


async def test_a_second_start_under_an_id_takes_the_place_of_the_first(server: SampleServer, journal: Journal) -> None:
    async with open_legacy_websocket(server, {"Authorization": "Bearer ann"}) as ws:
        await start(ws, "1", "subscription{count(to:9,wait:60)}")
        assert (await receive(ws))["payload"] == {"data": {"count": 0}}
        await start(ws, "1", "subscription{count(to:9,wait:60)}")
        assert await receive(ws) == {"id": "1", "type": "data", "payload": {"data": {"count": 0}}}
        await journal.wait_for("context closed")
        await start(ws, "1", "{viewer}")
        assert [await receive(ws) for _ in range(2)] == [
            {"id": "1", "type": "data", "payload": {"data": {"viewer": "ann"}}},
            {"id": "1", "type": "complete"},
        ]
    assert journal.events == ["count closed", "context closed"] * 2 + ["context closed"]


@pytest.mark.parametrize("starts", [2, 5, 9])
async def test_of_many_starts_under_one_id_only_the_last_goes_on(server: SampleServer, journal: Journal, starts: int) -> None:
    async with open_legacy_websocket(server) as ws:
        for number in range(1, starts + 1):
            await start(ws, "1", "subscription($n:Int!){count(to:$n,wait:0.2)}", n=1 if number == starts else 99)
            await start(ws, "other", "subscription{count(to:99,wait:60)}")
        received = [await receive(ws)]
        while received[-1] != {"id": "1", "type": "complete"}:
            received.append(await receive(ws))
        assert {each["id"] for each in received} == {"1", "other"}
        assert [each["type"] for each in received[:-1]] == ["data"] * (len(received) - 1)
        await asyncio.sleep(0.5)
        open_contexts = [context for context in journal.contexts if not context.closed]
        assert len(open_contexts) == 1  # the last under "other"


async def test_a_start_that_is_refused_takes_the_place_of_the_first_too(server: SampleServer, journal: Journal) -> None:
    async with open_legacy_websocket(server) as ws:
        await start(ws, "1", "subscription{count(to:9,wait:60)}")
        await receive(ws)
        await start(ws, "1", "{nope}")
        assert (await receive(ws))["type"] == "error"
        await journal.wait_for("context closed")
        await start(ws, "1", "{__typename}")
        assert (await receive(ws))["payload"] == {"data": {"__typename": "Query"}}


async def test_starts_and_hellos_that_are_repeated_before_the_acknowledgement_count_once(server: SampleServer) -> None:
    async with server.connect(subprotocols=["graphql-ws"]) as ws:
        await send(ws, type="connection_init", payload={"Authorization": "Bearer late"})
        for _ in range(30):
            await start(ws, "1", "{viewer}")
        await send(ws, type="connection_init", payload={"Authorization": "Bearer bob"})
        await send(ws, type="connection_init", payload={"Authorization": "Bearer late"})
        received = [await receive(ws) for _ in range(5)]
        assert received[:2] == [{"type": "connection_ack"}, {"type": "ka"}]
        assert sorted(each["type"] for each in received[2:]) == ["complete", "connection_ack", "data"]
        assert [each["payload"] for each in received if each["type"] == "data"] == [{"data": {"viewer": "late"}}]


async def test_the_newer_protocol_is_chosen_where_both_are_offered(server: SampleServer) -> None:
    async with server.connect(subprotocols=["graphql-ws", "graphql-transport-ws"]) as ws:
        assert ws.subprotocol == "graphql-transport-ws"


async def test_an_error_is_an_object_with_all_errors_in_it(server: SampleServer) -> None:
    async with open_legacy_websocket(server) as ws:
        await start(ws, "1", "{nope}")
        frame = await receive(ws)
        assert (frame["id"], frame["type"]) == ("1", "error")
        assert frame["payload"]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
        assert [each["message"] for each in frame["payload"]["errors"]] == [frame["payload"]["message"]]


async def test_stop_ends_an_operation_and_frees_its_id(server: SampleServer, journal: Journal) -> None:
    async with open_legacy_websocket(server) as ws:
        await start(ws, "1", "subscription{count(to:9,wait:60)}")
        assert (await receive(ws))["payload"] == {"data": {"count": 0}}
        await send(ws, id="1", type="stop")
        await journal.wait_for("context closed")
        await start(ws, "1", "{__typename}")
        assert (await receive(ws))["payload"] == {"data": {"__typename": "Query"}}


async def test_terminate_closes_and_cleans_up(server: SampleServer, journal: Journal) -> None:
    async with open_legacy_websocket(server) as ws:
        await start(ws, "1", "subscription{count(to:9,wait:60)}")
        await receive(ws)
        await send(ws, type="connection_terminate")
        assert (await close_reason(ws))[0] == 1000
        await journal.wait_for("context closed")


async def test_a_refused_init_learns_why_and_closed(server: SampleServer) -> None:
    async with server.connect(subprotocols=["graphql-ws"]) as ws:
        await send(ws, type="connection_init", payload={"Authorization": "Bearer expired"})
        assert await receive(ws) == {
            "type": "connection_error",
            "payload": {"message": "TOKEN_EXPIRED", "extensions": {"code": "TOKEN_EXPIRED"}},
        }
        assert await close_reason(ws) == (4403, "TOKEN_EXPIRED")


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ({"type": "subscribe", "id": "1", "payload": {"query": "{__typename}"}}, 4400),
        ({"type": "ping"}, 4400),
        ({"type": "start", "id": 1, "payload": {"query": "{__typename}"}}, 4400),
        ({"type": "start", "id": "1"}, 4400),
        ({"type": "stop"}, 4400),
    ],
)
async def test_a_malformed_frame_closes(server: SampleServer, frame: Any, code: int) -> None:
    async with open_legacy_websocket(server) as ws:
        await send(ws, **frame)
        assert (await close_reason(ws))[0] == code


async def test_start_before_hello_is_unauthorized(server: SampleServer) -> None:
    async with server.connect(subprotocols=["graphql-ws"]) as ws:
        await start(ws, "1", "{__typename}")
        assert await close_reason(ws) == (4401, "Unauthorized")


@pytest.mark.slow
async def test_it_is_kept_alive_and_hung_up_on_when_it_answers_no_ping_of_the_websocket() -> None:
    async with (
        run_sample_server(ping_interval_seconds=0.1, pong_timeout_seconds=0.08, close_timeout_seconds=0.2) as server,
        open_legacy_websocket(server) as ws,
    ):
        assert [await receive(ws) for _ in range(4)] == [{"type": "ka"}] * 4  # the library answers pings by itself
        ws.protocol.send_pong = lambda data: None  # type: ignore[method-assign]
        ws.protocol.recv_ping = lambda frame: None  # type: ignore[attr-defined]
        ws.transport.pause_reading()
        ws.close_timeout = 0.1  # it reads no goodbye either
        await server.sample_app.connections.websockets.registry.drained.wait()


@pytest.mark.parametrize(
    ("token", "answer"),
    [
        ("Bearer ann", {"authorization": "accepted"}),
        ("Bearer bob", {"authorization": "refused", "code": "FORBIDDEN"}),
        ("Bearer expired", {"authorization": "refused", "code": "TOKEN_EXPIRED"}),
        ("Bearer down", {"authorization": "refused", "code": "SERVICE_UNAVAILABLE"}),
    ],
)
async def test_a_token_is_renewed_by_a_ping_and_nothing_else_changes(server: SampleServer, token: str, answer: Any) -> None:
    async with server.open_websocket({"Authorization": "Bearer ann"}) as ws:
        await send(ws, id="1", type="subscribe", payload={"query": "subscription{count(to:2,wait:0.05)}"})
        await receive(ws)
        await send(ws, type="ping", payload={"authorization": token})
        assert await receive(ws) == {"type": "pong", "payload": answer}
        assert [(await receive(ws))["type"] for _ in range(2)] == ["next", "complete"]


async def test_in_the_older_protocol_a_second_hello_renews_the_token(server: SampleServer) -> None:
    async with open_legacy_websocket(server, {"Authorization": "Bearer ann"}) as ws:
        await send(ws, type="connection_init", payload={"Authorization": "Bearer ann"})
        assert await receive(ws) == {"type": "connection_ack"}
        await send(ws, type="connection_init", payload={"Authorization": "Bearer bob"})
        assert (await receive(ws))["type"] == "connection_error"
        await start(ws, "1", "{viewer}")
        assert orjson.loads(await ws.recv())["payload"] == {"data": {"viewer": "ann"}}
