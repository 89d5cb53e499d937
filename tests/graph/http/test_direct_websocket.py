"""The line that live editing takes over from uvicorn: nothing overtakes, nothing is lost, and who does not read is not waited
for."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from transport import rfc6455
from transport.raw_line import DirectBinaryWebSocket
from transport.rfc6455 import BINARY, CLOSE, PING, PONG, TEXT
from transport.write_batch import WriteBatch


@dataclass
class SocketEnds:
    """Both ends of a line; `gone`: those that lost their transport."""

    websocket: DirectBinaryWebSocket
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    transport: asyncio.Transport
    batch: WriteBatch
    disconnected: list[DirectBinaryWebSocket] = field(default_factory=list)

    async def send_frame(self, kind: int, payload: bytes) -> None:
        """As a client does, masked."""
        head = rfc6455.frame_header(kind, len(payload))
        self.writer.write(head[:1] + bytes((head[1] | 0x80,)) + head[2:] + bytes(4) + payload)
        await self.writer.drain()

    async def receive_frame(self) -> tuple[int, bytes]:
        """The next frame from the server."""
        first, length = await self.reader.readexactly(2)
        if length >= 126:
            length = int.from_bytes(await self.reader.readexactly(2 if length == 126 else 8), "big")
        return first & 0x0F, await self.reader.readexactly(length)


@asynccontextmanager
async def open_ends() -> AsyncIterator[SocketEnds]:
    ours, theirs = socket.socketpair()
    gone: list[DirectBinaryWebSocket] = []
    burst = WriteBatch()
    transport, _ = await asyncio.get_running_loop().connect_accepted_socket(asyncio.Protocol, ours)
    line = DirectBinaryWebSocket(burst, max_message_bytes=100_000, on_disconnect=gone.append)
    line.attach(transport)
    reader, writer = await asyncio.open_connection(sock=theirs)
    try:
        async with asyncio.timeout(10):
            yield SocketEnds(line, reader, writer, transport, burst, gone)
    finally:
        transport.abort()
        writer.close()
        await asyncio.gather(writer.wait_closed(), return_exceptions=True)


async def test_messages_arrive_whole_and_in_order_however_slowly_they_are_read() -> None:
    messages = [bytes((number % 256,)) * (number * 37 % 9_000) for number in range(400)]

    async def speak(line: DirectBinaryWebSocket) -> int:
        waited = 0
        for message in messages:
            if not line.send_now(message):
                waited += 1
                await line.send({"type": "websocket.send", "bytes": message})
        return waited

    async with open_ends() as ends:
        speaking = asyncio.get_running_loop().create_task(speak(ends.websocket))
        await asyncio.sleep(0.02)
        assert not speaking.done()
        assert [await ends.receive_frame() for _ in messages] == [(BINARY, each) for each in messages]
        assert await speaking > 0


async def test_what_is_told_in_a_burst_leaves_at_its_end_in_one_write_also_when_telling_fails() -> None:
    async with open_ends() as ends:
        with ends.batch:
            with ends.batch:
                assert ends.websocket.send_now(b"kept")
            assert ends.websocket.send_now(b"news")
            assert ends.websocket.pending_frames == b"\x82\x04kept\x82\x04news"
        assert ends.websocket.pending_frames == b""
        assert await ends.reader.readexactly(12) == b"\x82\x04kept\x82\x04news"

        def tell_and_fail() -> None:
            with ends.batch:
                assert ends.websocket.send_now(b"kept again")
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            tell_and_fail()
        assert await ends.receive_frame() == (BINARY, b"kept again")
        assert ends.websocket.send_now(b"alone")
        assert await ends.receive_frame() == (BINARY, b"alone")


async def test_a_burst_that_the_kernel_does_not_take_whole_arrives_whole_and_what_follows_comes_behind() -> None:
    messages = [bytes((number,)) * 50_000 for number in range(40)]
    async with open_ends() as ends:
        with ends.batch:
            for message in messages:
                assert ends.websocket.send_now(message)
        assert ends.transport.get_write_buffer_size() > 0
        assert not ends.websocket.send_now(b"behind")
        behind = asyncio.get_running_loop().create_task(ends.websocket.send({"type": "websocket.send", "bytes": b"behind"}))
        assert [await ends.receive_frame() for _ in messages] == [(BINARY, each) for each in messages]
        assert await ends.receive_frame() == (BINARY, b"behind")
        await behind


async def test_a_line_that_is_lost_in_a_burst_costs_the_others_nothing() -> None:
    async with open_ends() as lost, open_ends() as other:
        with other.batch:
            other.batch.add(lost.websocket, b"\x82\x01a")
            assert other.websocket.send_now(b"here")
            lost.websocket.connection_lost(None)
        assert await other.receive_frame() == (BINARY, b"here")


async def test_reading_stops_while_what_was_read_is_not_dealt_with() -> None:
    async with open_ends() as ends:
        for number in range(500):
            await ends.send_frame(BINARY, b"%d" % number)
        await asyncio.sleep(0.02)
        assert not ends.transport.is_reading()
        heard = [(await ends.websocket.receive())["bytes"] for _ in range(500)]
        assert heard == [b"%d" % number for number in range(500)]
        assert ends.transport.is_reading()


async def test_a_ping_is_answered_and_text_is_handed_on_as_no_message_of_the_protocol() -> None:
    async with open_ends() as ends:
        await ends.send_frame(PING, b"there?")
        assert await ends.receive_frame() == (PONG, b"there?")
        await ends.send_frame(TEXT, b"hello")
        assert (await ends.websocket.receive()).get("bytes") is None


@pytest.mark.parametrize(("kind", "size", "code"), [(3, 1, 1002), (BINARY, 100_001, 1009)])
async def test_what_is_no_frame_or_too_big_ends_the_line_with_a_code(kind: int, size: int, code: int) -> None:
    async with open_ends() as ends:
        await ends.send_frame(kind, bytes(size))
        heard, payload = await ends.receive_frame()
        assert (heard, int.from_bytes(payload[:2], "big")) == (CLOSE, code)
        assert (await ends.websocket.receive())["type"] == "websocket.disconnect"
        assert (await ends.websocket.receive())["type"] == "websocket.disconnect"
        assert not ends.websocket.send_now(b"late")
        with pytest.raises(RuntimeError):
            await ends.websocket.send({"type": "websocket.send", "bytes": b"late"})


async def test_a_client_that_closes_is_answered_and_forgotten() -> None:
    async with open_ends() as ends:
        await ends.send_frame(CLOSE, (1000).to_bytes(2, "big"))
        assert await ends.receive_frame() == (CLOSE, (1000).to_bytes(2, "big"))
        assert (await ends.websocket.receive())["type"] == "websocket.disconnect"
        assert await ends.reader.read() == b""
        while not ends.disconnected:
            await asyncio.sleep(0)
        assert ends.disconnected == [ends.websocket]


async def test_a_client_that_does_not_read_is_dropped_a_moment_after_the_farewell() -> None:
    async with open_ends() as ends:
        while ends.websocket.send_now(bytes(50_000)):
            pass
        await ends.websocket.send({"type": "websocket.close", "code": 4508, "reason": "RESYNC"})
        ends.websocket.release()
        began = asyncio.get_running_loop().time()
        while not ends.disconnected:
            await asyncio.sleep(0.01)
        assert 0.5 < asyncio.get_running_loop().time() - began < 3
