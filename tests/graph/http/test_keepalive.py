"""A client that answers its pings stays connected for ever, on every transport; one that does not is found."""

import asyncio
import time
from functools import partial
from typing import Any

import orjson
import pytest

from gateway.http.streaming import StreamLimits
from gateway.websocket.services import WebSocketLimits
from tests.support.idle_clients import idle_clients, idle_graphql_socket, idle_stream
from tests.support.sample_server import run_sample_server
from transport.timeout_queue import TimeoutQueue
from transport.uvicorn_websocket import WebSocketProtocol

PING_INTERVAL_SECONDS, PONG_TIMEOUT_SECONDS = 0.3, 0.225
"""As 20 s and 15 s are, 67 times faster."""
SOAK_SECONDS = 3.5
IDLE = "subscription{count(to:2,wait:3600)}"


def test_the_deadline_of_a_pong_is_shorter_than_the_pause_between_pings() -> None:
    assert WebSocketLimits().pong_timeout_seconds < WebSocketLimits().ping_interval_seconds
    with pytest.raises(ValueError, match="pong_timeout_seconds"):
        WebSocketLimits(ping_interval_seconds=20.0, pong_timeout_seconds=20.0)


@pytest.mark.slow
@pytest.mark.parametrize("ws", [WebSocketProtocol, "websockets-sansio"], ids=["direct", "ASGI"])
async def test_idle_clients_of_every_transport_stay_connected(ws: Any) -> None:
    async with run_sample_server(
        ws=ws,
        ping_interval_seconds=PING_INTERVAL_SECONDS,
        pong_timeout_seconds=PONG_TIMEOUT_SECONDS,
        keep_alive=0.2,
        streams=StreamLimits(keep_alive_seconds=0.15, write_timeout_seconds=0.3),
    ) as server:
        socket = f"ws://127.0.0.1:{server.port}/graphql"
        runs: list[Any] = [
            (f"{protocol} {number}", partial(idle_graphql_socket, url=socket, subprotocol=protocol, token="ann", query=IDLE))
            for protocol in ("graphql-transport-ws", "graphql-ws")
            for number in range(4)
        ]
        runs += [
            (accept, partial(idle_stream, url=server.url, accept=accept, token="ann", query=IDLE))
            for accept in ("text/event-stream", "multipart/mixed")
        ]
        async with idle_clients(*runs) as clients:
            began = asyncio.get_running_loop().time()
            while asyncio.get_running_loop().time() - began < SOAK_SECONDS or min(each.heartbeats for each in clients) < 10:
                await asyncio.sleep(0.113)
                assert {each.name: each.ended for each in clients if each.ended} == {}


@pytest.mark.slow
@pytest.mark.parametrize("protocol", ["graphql-transport-ws", "graphql-ws"])
async def test_a_server_that_stood_still_reads_what_was_sent_before_it_judges(protocol: str) -> None:
    async with run_sample_server(
        ping_interval_seconds=PING_INTERVAL_SECONDS, pong_timeout_seconds=PONG_TIMEOUT_SECONDS, init_timeout_seconds=0.3
    ) as server:
        async with server.connect(subprotocols=[protocol]) as socket:
            await socket.send('{"type":"connection_init"}')
            _stand_still(0.6)
            assert await socket.recv() == '{"type":"connection_ack"}'
        url = f"ws://127.0.0.1:{server.port}/graphql"
        run = partial(idle_graphql_socket, url=url, subprotocol=protocol, token="ann", query=IDLE)
        async with idle_clients(("idle", run)) as (client,):
            for _ in range(4):
                heartbeats = client.heartbeats
                while client.heartbeats == heartbeats:
                    await asyncio.sleep(0.005)
                _stand_still(0.6)
            assert client.ended == []


def _stand_still(seconds: float) -> None:
    """Block the event loop, as in a process that is stopped or starved."""
    time.sleep(seconds)


async def test_a_client_that_reads_but_never_answers_is_closed_and_one_that_answers_late_once_is_not() -> None:
    async with (
        run_sample_server(ping_interval_seconds=0.4, pong_timeout_seconds=0.3) as server,
        server.open_websocket() as silent,
        server.open_websocket() as slow,
    ):
        assert orjson.loads(await slow.recv()) == {"type": "ping"}
        await asyncio.sleep(0.2)
        await slow.send('{"type":"pong"}')
        assert orjson.loads(await slow.recv()) == {"type": "ping"}
        await slow.send('{"type":"pong","payload":{"any":1}}')
        async with asyncio.timeout(30):
            await silent.wait_closed()
        assert (silent.close_code, silent.close_reason) == (4408, "No pong")
        assert slow.close_code is None


@pytest.mark.parametrize("delays", [[], [0.0] * 5, [0.0, 0.03, 0.0], [0.01] * 4])
async def test_everything_that_waits_is_due_once_and_in_order(delays: list[float]) -> None:
    called: list[int] = []
    queue: TimeoutQueue[int] = TimeoutQueue(0.02, called.append, grace_seconds=0.001)
    for number, delay in enumerate(delays):
        queue.add(number)
        await asyncio.sleep(delay)
    async with asyncio.timeout(30):
        while len(called) < len(delays):
            await asyncio.sleep(0.005)
    assert called == list(range(len(delays)))
    assert len(queue) == 0
