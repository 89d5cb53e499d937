"""Bytes that no client sends are refused, or not understood, and that is all: nothing dies, nothing is logged as a bug."""

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress

import pytest

from tests.support.hostile_bytes import frame, hostile_frames, hostile_request
from tests.support.raw_http import open_connection
from tests.support.sample_server import SampleServer, run_sample_server
from transport.rfc6455 import TEXT

FRAMES_A_CONNECTION = 10
_PATIENCE_SECONDS = 0.05
_HANDSHAKE = (
    b"GET /graphql HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: %b\r\n\r\n"
)
_PROTOCOLS = (b"graphql-transport-ws", b"graphql-ws")
_STATUS = re.compile(rb"(?:^|\r\n|\})HTTP/1\.1 (\d{3}) ")


@pytest.fixture(scope="module")
async def server() -> AsyncIterator[SampleServer]:
    async with run_sample_server(init_timeout_seconds=0.5) as started:
        yield started


async def _answer(server: SampleServer, *parts: bytes) -> bytes:
    """All that comes back until the connection ends; the next part is sent once something was answered to the one before, and
    the client closes its half when that has taken a moment after the last one."""
    answer = b""
    async with open_connection(server) as client:
        try:
            for part in parts:
                client.send(part)
                with suppress(TimeoutError):
                    async with asyncio.timeout(_PATIENCE_SECONDS if part is parts[-1] else 30):
                        answer += await client.reader.read(2**20)
            client.writer.write_eof()
            return answer + await client.read_to_end()
        except OSError:  # it was cut
            return answer


def _close_code(answer: bytes) -> int | None:
    """The code of the close frame in which a conversation of websockets ends."""
    frames = answer.partition(b"\r\n\r\n")[2]
    while len(frames) >= 2:
        size, header = frames[1] & 0x7F, 2
        if size > 125:
            header = 4 if size == 126 else 10
            size = int.from_bytes(frames[2:header], "big")
        if frames[0] & 0x0F == 8:
            return int.from_bytes(frames[2:4], "big") if size >= 2 else None
        frames = frames[header + size :]
    return None


async def send_frames(server: SampleServer, seeds: Sequence[int]) -> set[int | None]:
    """The codes with which connections end on which these frames are sent."""
    codes: set[int | None] = set()
    for seed in seeds:
        hello = frame(TEXT, b'{"type":"connection_init"}') if seed % 4 else b""
        head = _HANDSHAKE % _PROTOCOLS[seed % 2]
        answer = await _answer(server, head, hello + hostile_frames(seed, FRAMES_A_CONNECTION))
        assert answer.startswith(b"HTTP/1.1 101 "), seed
        code = _close_code(answer)
        assert code not in {1006, 1011, 4500}, (seed, answer)
        codes.add(code)
    return codes


async def send_requests(server: SampleServer, seeds: Sequence[int]) -> set[int]:
    """The statuses with which these requests are answered."""
    statuses: set[int] = set()
    for seed in seeds:
        answer = await _answer(server, hostile_request(seed))
        found = {int(each) for each in _STATUS.findall(answer)}
        assert not found & {500, 502, 504}, (seed, answer)
        statuses |= found
    return statuses


async def assert_unharmed(server: SampleServer, caplog: pytest.LogCaptureFixture) -> None:
    """It answers, holds no connection, and has logged no bug."""
    async with server.open_websocket() as ws:
        await ws.send('{"id":"1","type":"subscribe","payload":{"query":"{echo(number:1)}"}}')
        assert "next" in await ws.recv()
    assert [each.getMessage() for each in caplog.records if each.levelno >= logging.ERROR or each.exc_info] == []
    async with asyncio.timeout(20):
        while len(server.sample_app.connections.websockets.registry.connections) > 0:
            await asyncio.sleep(0.02)


async def test_broken_frames_end_a_connection_with_a_code_and_nothing_else(
    server: SampleServer, caplog: pytest.LogCaptureFixture
) -> None:
    assert len(await send_frames(server, range(60))) >= 4
    await assert_unharmed(server, caplog)


async def test_broken_requests_are_refused_and_never_a_bug(server: SampleServer, caplog: pytest.LogCaptureFixture) -> None:
    assert {200, 400} < await send_requests(server, range(200))
    await assert_unharmed(server, caplog)


async def test_a_malformed_body_that_was_to_be_waited_for_is_refused_once(
    server: SampleServer, caplog: pytest.LogCaptureFixture
) -> None:
    head = b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nExpect: 100-continue\r\n"
    answer = await _answer(server, head + b'Transfer-Encoding: chunked\r\n\r\n{"query":"{echo(number:1)}"}')
    assert [int(each) for each in _STATUS.findall(answer)] == [400]
    await assert_unharmed(server, caplog)
