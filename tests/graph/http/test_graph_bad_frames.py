"""Malformed websocket frames: the protocol's close code each, and nothing in the log."""

from typing import Any

import orjson
import pytest
from websockets.exceptions import ConnectionClosed

from tests.support.sample_server import SampleServer, drain_until_closed

PAYLOAD = {"query": "{__typename}"}

FRAMES: list[tuple[str, Any, int]] = [
    ("not JSON", "hello", 4400),
    ("nothing", "", 4400),
    ("half an object", '{"type":', 4400),
    ("a lone surrogate", '{"type":"ping","payload":{"a":"\\ud800"}}', 4400),
    ("brackets to the sky", "[" * 60_000, 4400),
    ("objects to the sky", '{"a":' * 12_000, 4400),
    ("null", None, 4400),
    ("a number", 1, 4400),
    ("an array", [{"type": "ping"}], 4400),
    ("an empty object", {}, 4400),
    ("no type", {"id": "1", "payload": PAYLOAD}, 4400),
    ("a type that is no string", {"type": {}}, 4400),
    ("an unknown type", {"type": "start", "id": "1", "payload": PAYLOAD}, 4400),
    ("the server's type", {"type": "next", "id": "1", "payload": {}}, 4400),
    ("the server's greeting", {"type": "connection_ack"}, 4400),
    ("a second hello", {"type": "connection_init"}, 4429),
    ("a hello of the wrong shape", {"type": "connection_init", "payload": "x"}, 4400),
    ("a ping of the wrong shape", {"type": "ping", "payload": 1}, 4400),
    ("a pong of the wrong shape", {"type": "pong", "payload": []}, 4400),
    ("subscribe without id", {"type": "subscribe", "payload": PAYLOAD}, 4400),
    ("subscribe with an empty id", {"type": "subscribe", "id": "", "payload": PAYLOAD}, 4400),
    ("subscribe with a number as id", {"type": "subscribe", "id": 1, "payload": PAYLOAD}, 4400),
    ("subscribe with a long id", {"type": "subscribe", "id": "x" * 129, "payload": PAYLOAD}, 4400),
    ("subscribe without payload", {"type": "subscribe", "id": "1"}, 4400),
    ("subscribe with a list", {"type": "subscribe", "id": "1", "payload": []}, 4400),
    ("subscribe without query", {"type": "subscribe", "id": "1", "payload": {}}, 4400),
    ("subscribe with a number as query", {"type": "subscribe", "id": "1", "payload": {"query": 1}}, 4400),
    ("variables of the wrong shape", {"type": "subscribe", "id": "1", "payload": {**PAYLOAD, "variables": []}}, 4400),
    ("an operationName that is none", {"type": "subscribe", "id": "1", "payload": {**PAYLOAD, "operationName": 1}}, 4400),
    ("extensions of the wrong shape", {"type": "subscribe", "id": "1", "payload": {**PAYLOAD, "extensions": 1}}, 4400),
    ("complete without id", {"type": "complete"}, 4400),
    ("complete with a list as id", {"type": "complete", "id": ["1"]}, 4400),
    ("a binary frame", b'{"type":"ping"}', 4400),
    ("bytes", b"\xff\xfe\x00", 4400),
    ("more than 64 KiB", {"type": "ping", "payload": {"a": "x" * 65_536}}, 1009),
    ("more than 64 KiB in bytes", {"type": "ping", "payload": {"a": "☃" * 30_000}}, 1009),
]  # fmt: skip


@pytest.mark.usefixtures("no_warnings")
@pytest.mark.parametrize(("frame", "code"), [row[1:] for row in FRAMES], ids=[row[0] for row in FRAMES])
async def test_a_bad_frame(server: SampleServer, frame: Any, code: int) -> None:
    async with server.open_websocket() as ws:
        await ws.send(frame if isinstance(frame, str | bytes) else orjson.dumps(frame).decode())
        assert await close_code(ws) == code


@pytest.mark.usefixtures("no_warnings")
@pytest.mark.parametrize("frame", [row[1] for row in FRAMES[:20]], ids=[row[0] for row in FRAMES[:20]])
async def test_a_bad_frame_before_hello(server: SampleServer, frame: Any) -> None:
    if frame == {"type": "connection_init"}:
        return
    async with server.connect() as ws:
        await ws.send(frame if isinstance(frame, str | bytes) else orjson.dumps(frame).decode())
        assert await close_code(ws) == 4400


@pytest.mark.usefixtures("no_warnings")
async def test_an_operation_before_the_acknowledgement(server: SampleServer) -> None:
    async with server.connect() as ws:
        await ws.send('{"id":"1","type":"subscribe","payload":{"query":"{__typename}"}}')
        assert await close_code(ws) == 4401


@pytest.mark.usefixtures("no_warnings")
async def test_an_id_that_is_in_use(server: SampleServer) -> None:
    async with server.open_websocket() as ws:
        for _ in range(2):
            await ws.send('{"id":"1","type":"subscribe","payload":{"query":"{slow}"}}')
        assert await close_code(ws) == 4409


@pytest.mark.usefixtures("no_warnings")
async def test_a_long_id_in_use_fits_into_the_reason(server: SampleServer) -> None:
    async with server.open_websocket() as ws:
        frame = orjson.dumps({"id": "ü" * 128, "type": "subscribe", "payload": {"query": "{slow}"}}).decode()
        for _ in range(2):
            await ws.send(frame)
        assert await close_code(ws) == 4409


async def close_code(ws: Any) -> int:
    with pytest.raises(ConnectionClosed) as error:
        await drain_until_closed(ws)
    assert error.value.rcvd is not None
    assert len(error.value.rcvd.reason.encode()) <= 123
    return int(error.value.rcvd.code)
