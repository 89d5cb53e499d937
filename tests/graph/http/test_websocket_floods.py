"""One websocket that sends as fast as it can, or never reads: it is closed or held back, and nobody else waits for it."""

import asyncio
import gc
import weakref
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest

from gateway.websocket.connection import WebSocketConnection
from gateway.websocket.send_queue import MAX_QUEUED_BYTES
from tests.support.sample_server import SampleServer, run_sample_server
from transport import rfc6455
from transport.rfc6455 import PING, PONG, TEXT

pytestmark = pytest.mark.slow
HANDSHAKE = (
    "GET /graphql HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: {}\r\n\r\n"
)
INIT = {"type": "connection_init"}


def frame(opcode: int, payload: bytes, *, is_final: bool = True) -> bytes:
    """A frame as a client sends it, masked."""
    header = rfc6455.frame_header(opcode, len(payload))
    return bytes((header[0] & (0xFF if is_final else 0x7F), header[1] | 0x80)) + header[2:] + bytes(4) + payload


def message(**fields: Any) -> bytes:
    return frame(TEXT, orjson.dumps(fields))


def subscribe(number: int, query: str) -> bytes:
    return message(id=str(number), type="subscribe", payload={"query": query})


FLOODS = {
    "pings of the protocol": [message(type="ping")],
    "pongs of the protocol": [message(type="pong")],
    "ping frames": [frame(PING, b"")],
    "pong frames": [frame(PONG, b"")],
    "completes of nothing": [message(type="complete", id="1")],
    "refused operations": [subscribe(number, "{nope}") for number in range(50)],
    "queries": [subscribe(number, "{__typename}") for number in range(5_000)],
    "new documents": [subscribe(number, "{__typename}#" + str(number)) for number in range(5_000)],
    "renewals": [message(type="ping", payload={"authorization": "Bearer late"})],
    "long messages": [message(type="ping", payload={"x": "a" * 60_000})],
}


class RawClient:
    """A socket that speaks websocket by hand."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def flood(self, data: bytes) -> None:
        """Send this again and again until the server hangs up; whatever the server sends is read by somebody else."""
        try:
            while True:
                self.writer.write(data)
                await self.writer.drain()
                await asyncio.sleep(0)
        except OSError:
            return

    async def say_hello(self) -> None:
        """Wait for the acknowledgement too."""
        self.writer.write(message(**INIT))
        assert b"connection_ack" in await self.reader.readuntil(b"}")

    async def close_code(self) -> tuple[int, dict[int, int]]:
        """The code of the server's close frame, and how many frames of each opcode came before."""
        counts: dict[int, int] = {}
        while True:
            first, length = await self.reader.readexactly(2)
            if length >= 126:
                length = int.from_bytes(await self.reader.readexactly(2 if length == 126 else 8), "big")
            payload = await self.reader.readexactly(length)
            if first & 0x0F == rfc6455.CLOSE:
                return int.from_bytes(payload[:2], "big"), counts
            counts[first & 0x0F] = counts.get(first & 0x0F, 0) + 1


@asynccontextmanager
async def raw_client(server: SampleServer, protocol: str = "graphql-transport-ws") -> AsyncIterator[RawClient]:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port, limit=4 * 1024 * 1024)
    writer.write(HANDSHAKE.format(protocol).encode())
    assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
    try:
        yield RawClient(reader, writer)
    finally:
        writer.transport.abort()


@pytest.mark.parametrize("kind", list(FLOODS))
async def test_a_flood_is_closed_with_4429_and_others_are_answered(kind: str) -> None:
    async with run_sample_server() as server, server.open_websocket() as other, raw_client(server) as client:
        await client.say_hello()
        flooding = asyncio.get_running_loop().create_task(client.flood(b"".join(FLOODS[kind])[:300_000]))
        async with asyncio.timeout(60):
            code, counts = await client.close_code()
            assert code == 4429
            assert sum(counts.values()) < 4_100  # the burst: a message has two answers at most
            await other.send('{"id":"1","type":"subscribe","payload":{"query":"{__typename}"}}')
            assert orjson.loads(await other.recv())["payload"] == {"data": {"__typename": "Query"}}
        flooding.cancel()


@pytest.mark.parametrize(("protocol", "code"), [("graphql-transport-ws", 4429), ("graphql-ws", 1008)])
async def test_a_flood_before_the_hello_is_closed_sooner(protocol: str, code: int) -> None:
    async with run_sample_server() as server, raw_client(server, protocol) as client:
        flood = frame(PING, b"") if protocol == "graphql-ws" else message(type="ping")
        flooding = asyncio.get_running_loop().create_task(client.flood(flood * 1_000))
        async with asyncio.timeout(30):
            found, counts = await client.close_code()
        assert (found, sum(counts.values()) <= 512) == (code, True)
        flooding.cancel()


async def test_a_message_of_a_thousand_fragments_and_endless_empty_ones_end_too() -> None:
    async with run_sample_server() as server, raw_client(server) as client:
        client.writer.write(frame(TEXT, b"{", is_final=False))
        flooding = asyncio.get_running_loop().create_task(client.flood(frame(0, b"", is_final=False) * 1_000))
        async with asyncio.timeout(30):
            assert (await client.close_code())[0] in (1009, 4429)
        flooding.cancel()


@pytest.mark.parametrize("flood", [message(type="ping", payload={"x": "a" * 30_000}), frame(PING, b"x" * 125)])
async def test_who_never_reads_costs_little_and_is_closed(flood: bytes) -> None:
    async with (
        run_sample_server(ping_interval_seconds=1.0, pong_timeout_seconds=0.5, close_timeout_seconds=0.2) as server,
        raw_client(server) as client,
    ):
        await client.say_hello()
        client.reader._transport.pause_reading()  # type: ignore[attr-defined]
        flooding = asyncio.get_running_loop().create_task(client.flood(flood * 4))
        registry = server.sample_app.connections.websockets.registry
        most = 0
        async with asyncio.timeout(60):
            while registry.connections:
                for connection in registry.connections:
                    most = max(most, connection.send_queue.queued_bytes)
                await asyncio.sleep(0)
        assert most <= MAX_QUEUED_BYTES + 64 * 1024
        flooding.cancel()


async def test_a_connection_that_has_ended_is_freed_without_the_garbage_collector() -> None:
    async with run_sample_server(init_timeout_seconds=0.5, ping_interval_seconds=2.0, pong_timeout_seconds=1.5) as server:
        registry = server.sample_app.connections.websockets.registry
        budgets = server.sample_app.connections.websockets.budgets
        gc.collect()
        gc.disable()
        try:
            freed: list[weakref.ref[WebSocketConnection]] = []
            for ending in ("closed", "cut", "flooded", "malformed"):
                async with raw_client(server) as client, asyncio.timeout(20):
                    await client.say_hello()
                    client.writer.write(subscribe(1, "subscription{count(to:2,wait:60)}"))
                    while not registry.connections or not any(len(each.operations) for each in registry.connections):
                        await asyncio.sleep(0.001)
                    freed += [weakref.ref(each) for each in registry.connections]
                    match ending:
                        case "closed":
                            client.writer.write(frame(rfc6455.CLOSE, (1000).to_bytes(2, "big")))
                        case "flooded":
                            client.writer.write(frame(PING, b"") * 4_000)
                        case "malformed":
                            client.writer.write(message(type="nonsense"))
                    if ending != "cut":
                        await client.reader.read(-1)
                async with asyncio.timeout(20):
                    await registry.drained.wait()
            async with asyncio.timeout(20):
                while any(each() is not None for each in freed):
                    await asyncio.sleep(0.02)
            assert len(freed) == 4
            assert len(budgets) == 0
        finally:
            gc.enable()
