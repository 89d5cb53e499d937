"""The websocket protocol `graphql-transport-ws`: hello, operations, cancelling, closing."""

import asyncio
from typing import Any

import orjson
import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.support.sample_graph import Journal
from tests.support.sample_server import SampleServer, drain_until_closed, run_sample_server


async def send(ws: ClientConnection, **frame: Any) -> None:
    await ws.send(orjson.dumps(frame).decode())


async def subscribe(ws: ClientConnection, id: str, query: str, **variables: Any) -> None:
    await send(ws, id=id, type="subscribe", payload={"query": query, "variables": variables})


async def receive(ws: ClientConnection) -> dict[str, Any]:
    text = await asyncio.wait_for(ws.recv(), 60)
    assert isinstance(text, str)
    frame: dict[str, Any] = orjson.loads(text)
    return frame


async def close_reason(ws: ClientConnection) -> tuple[int, str]:
    """The close code and reason; whatever is said before is skipped."""
    with pytest.raises(ConnectionClosed) as error:
        await drain_until_closed(ws)
    assert error.value.rcvd is not None
    return error.value.rcvd.code, error.value.rcvd.reason


def next_message(id: str, **data: Any) -> dict[str, Any]:
    return {"id": id, "type": "next", "payload": {"data": data}}


def complete_message(id: str) -> dict[str, Any]:
    return {"id": id, "type": "complete"}


pytestmark = pytest.mark.usefixtures("no_warnings")


async def test_a_subscription_a_query_and_a_mutation(server: SampleServer, journal: Journal) -> None:
    async with server.open_websocket({"Authorization": "Bearer ann"}) as ws:
        assert ws.subprotocol == "graphql-transport-ws"
        await subscribe(ws, "s", "subscription($n:Int!){count(to:$n)}", n=2)
        assert [await receive(ws) for _ in range(3)] == [
            next_message("s", count=0),
            next_message("s", count=1),
            complete_message("s"),
        ]
        await subscribe(ws, "q", "{viewer}")
        assert [await receive(ws) for _ in range(2)] == [next_message("q", viewer="ann"), complete_message("q")]
        await subscribe(ws, "s", 'mutation{rename(name:"x")}')
        assert [await receive(ws) for _ in range(2)] == [next_message("s", rename="x"), complete_message("s")]
    assert [context.closed for context in journal.contexts] == [True] * 3
    assert journal.contexts[0].forgotten == 2  # loaders forget before each event
    assert len({context.info.request_id for context in journal.contexts}) == 3


async def test_the_upgrade_may_carry_the_token(server: SampleServer) -> None:
    async with server.connect(additional_headers={"Authorization": "Bearer ann"}) as ws:
        await send(ws, type="connection_init")
        assert await receive(ws) == {"type": "connection_ack"}
        await subscribe(ws, "1", "{viewer}")
        assert await receive(ws) == next_message("1", viewer="ann")


@pytest.mark.parametrize(
    ("payload", "code", "reason"),
    [
        ({"Authorization": "Bearer expired"}, 4403, "TOKEN_EXPIRED"),
        ({"authorization": "nonsense"}, 4403, "UNAUTHENTICATED"),
        ({"Authorization": "Bearer down"}, 1013, "Try again later"),
        ({"Authorization": 1}, 4400, "The payload's Authorization must be a string."),
    ],
)
async def test_a_refused_init(server: SampleServer, payload: Any, code: int, reason: str) -> None:
    async with server.connect() as ws:
        await send(ws, type="connection_init", payload=payload)
        assert await close_reason(ws) == (code, reason)


async def test_errors_of_an_operation_end_only_it(server: SampleServer) -> None:
    async with server.open_websocket() as ws:
        queries = {
            "a": ("{", "GRAPHQL_PARSE_FAILED"),
            "b": ("{nope}", "GRAPHQL_VALIDATION_FAILED"),
            "c": ("query($n:Int!){strict(number:$n)}", "BAD_USER_INPUT"),
            "d": ('{echo(text:"\\u0000")}', "BAD_USER_INPUT"),
            "e": ("subscription{count}", "GRAPHQL_VALIDATION_FAILED"),
            "f": ("subscription($n:Int!){count(to:$n)}", "BAD_USER_INPUT"),
        }
        for id_, (query, code) in queries.items():
            await subscribe(ws, id_, query)
            frame = await receive(ws)
            assert (frame["id"], frame["type"], frame["payload"][0]["extensions"]["code"]) == (id_, "error", code)
        await subscribe(ws, "g", "{echo}", t="\0")
        assert (await receive(ws))["payload"][0]["extensions"]["code"] == "BAD_USER_INPUT"
        await subscribe(ws, "h", "{missing}")
        frame = await receive(ws)
        assert (frame["type"], frame["payload"]["errors"][0]["extensions"]) == ("next", {"code": "NOT_FOUND"})
        assert await receive(ws) == complete_message("h")
        await subscribe(ws, "i", "subscription{breaks(expected:true)}")
        assert await receive(ws) == next_message("i", breaks=1)
        assert await receive(ws) == {
            "id": "i",
            "type": "error",
            "payload": [{"message": "Not found.", "extensions": {"code": "NOT_FOUND"}}],
        }


async def test_a_token_that_ends_while_connected_is_noticed_by_the_next_operation(server: SampleServer) -> None:
    async with server.open_websocket({"Authorization": "Bearer gone"}) as ws:
        await subscribe(ws, "1", "{__typename}")
        frame = await receive(ws)
        assert (frame["type"], frame["payload"][0]["extensions"]) == ("error", {"code": "TOKEN_EXPIRED"})


async def test_complete_closes_the_source_and_frees_the_id(server: SampleServer, journal: Journal) -> None:
    async with server.open_websocket() as ws:
        await subscribe(ws, "1", "subscription{count(to:9,wait:60)}")
        assert await receive(ws) == next_message("1", count=0)
        await send(ws, id="1", type="complete")
        await journal.wait_for("context closed")
        assert journal.events == ["count closed", "context closed"]
        await subscribe(ws, "1", "{__typename}")
        assert [await receive(ws) for _ in range(2)] == [next_message("1", __typename="Query"), complete_message("1")]
        await send(ws, id="nobody", type="complete")
        await send(ws, type="ping", payload={"a": 1})
        assert await receive(ws) == {"type": "pong", "payload": {"a": 1}}


async def test_complete_in_the_same_breath_as_subscribe(server: SampleServer, journal: Journal) -> None:
    async with server.open_websocket() as ws:
        for number in range(60):
            await subscribe(ws, str(number), "subscription{count(to:9,wait:60)}")
            await send(ws, id=str(number), type="complete")
        await send(ws, type="ping")
        while (await receive(ws))["type"] != "pong":
            pass
        await subscribe(ws, "x", "{__typename}")
        assert await receive(ws) == next_message("x", __typename="Query")
    assert all(context.closed for context in journal.contexts)


@pytest.mark.parametrize("query", ["{slow}", "subscription{count(to:9,wait:60)}"])
@pytest.mark.parametrize("abruptly", [False, True])
async def test_disconnecting_cancels_everything(server: SampleServer, journal: Journal, query: str, abruptly: bool) -> None:
    async with server.open_websocket() as ws:
        await subscribe(ws, "1", query)
        await asyncio.sleep(0.05)
        if abruptly:
            ws.transport.abort()
        else:
            await ws.close()
        await journal.wait_for("context closed")
    assert journal.events[-2] in ("slow ended", "count closed")


async def test_at_most_20_operations_at_once(server: SampleServer, journal: Journal) -> None:
    async with server.open_websocket() as ws:
        for number in range(21):
            await subscribe(ws, str(number), "{slow}")
        assert await receive(ws) == {
            "id": "20",
            "type": "error",
            "payload": [
                {
                    "message": "At most 20 operations may run at once on a connection.",
                    "extensions": {"code": "LIMIT_EXCEEDED", "limit": 20},
                }
            ],
        }
        await send(ws, id="0", type="complete")
        await journal.wait_for("context closed")
        await subscribe(ws, "20", "{__typename}")
        assert await receive(ws) == next_message("20", __typename="Query")


async def test_a_stalled_reader_holds_one_event_and_is_dropped(journal: Journal) -> None:
    async with (
        run_sample_server(ping_interval_seconds=0.2, pong_timeout_seconds=0.15, close_timeout_seconds=0.1) as server,
        server.open_websocket() as ws,
    ):
        ws.transport.pause_reading()
        await subscribe(ws, "1", "subscription{heavy}")
        await journal.wait_for("heavy 1")
        await asyncio.sleep(0.1)
        produced = len(journal.events)
        await asyncio.sleep(0.05)
        assert len(journal.events) == produced  # no more than the kernel's buffers took
        await journal.wait_for("context closed")
        assert journal.events[-2:] == ["heavy closed", "context closed"]
        ws.transport.abort()


async def test_pings_both_ways(journal: Journal) -> None:
    async with run_sample_server(ping_interval_seconds=0.1, pong_timeout_seconds=0.08) as server, server.open_websocket() as ws:
        for _ in range(3):
            assert await receive(ws) == {"type": "ping"}
            await send(ws, type="pong")
        assert await close_reason(ws) == (4408, "No pong")


async def test_who_says_nothing_is_hung_up_on() -> None:
    async with run_sample_server(init_timeout_seconds=0.05) as server, server.connect() as ws:
        assert await close_reason(ws) == (4408, "Connection initialisation timeout")


async def test_draining_closes_connections_cleans_up_and_takes_nobody_in(journal: Journal) -> None:
    async with run_sample_server() as server, server.open_websocket() as ws, server.open_websocket() as idle:
        await subscribe(ws, "1", "subscription{count(to:9,wait:60)}")
        assert await receive(ws) == next_message("1", count=0)
        await server.sample_app.connections.drain()
        assert journal.events == ["count closed", "context closed"]
        assert await close_reason(ws) == (1001, "The server is going away.")
        assert await close_reason(idle) == (1001, "The server is going away.")
        async with server.connect() as late:
            assert await close_reason(late) == (1001, "The server is going away.")


async def test_a_server_that_stops_without_draining_leaves_no_traceback(journal: Journal) -> None:
    async with run_sample_server() as server:
        ws = await server.connect()
        await send(ws, type="connection_init")
        await receive(ws)
        await subscribe(ws, "1", "subscription{count(to:9,wait:60)}")
        await receive(ws)
    assert (await close_reason(ws))[0] == 1012
    assert journal.events == ["count closed", "context closed"]


@pytest.mark.parametrize(
    ("origin", "welcome"),
    [
        ("https://app.example.com", True),
        ("https://evil.example.com", False),
        ("null", False),
        ("http://127.0.0.1", False),
        ("self", True),
    ],
)
async def test_only_pages_of_listed_origins_may_connect_and_others_are_logged_once(
    server: SampleServer, caplog: pytest.LogCaptureFixture, origin: str, welcome: bool
) -> None:
    own = f"http://127.0.0.1:{server.port}"
    opening = server.connect(origin=own if origin == "self" else origin)
    if welcome:
        async with opening as ws:
            await send(ws, type="connection_init")
            assert await receive(ws) == {"type": "connection_ack"}
    else:
        for _ in range(3):
            with pytest.raises(InvalidStatus, match="403"):
                await server.connect(origin=origin)
        logged = [record.getMessage() for record in caplog.records]
        assert logged == [f"Refused the origin '{origin}': pages of other origins must be listed in HIVE_ALLOWED_ORIGINS."]
        caplog.clear()


@pytest.mark.parametrize("subprotocols", [(), ["graphql"], ["mqtt", "soap"]])
async def test_another_subprotocol_is_not_acceptable(server: SampleServer, subprotocols: Any) -> None:
    async with server.connect(subprotocols=subprotocols) as ws:
        assert await close_reason(ws) == (4406, "Subprotocol not acceptable")
