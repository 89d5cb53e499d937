"""Websockets on detached transports: order, backpressure, fair turns, rates, and how they end."""

import asyncio
import gc
import socket
import time
import weakref
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise

import pytest

from tests.support.machine import allowed_seconds
from transport import rfc6455
from transport.connection_table import ConnectionTable
from transport.direct_websocket import DirectWebSocket
from transport.fair_turns import MAX_TURN_MESSAGES, MAX_TURN_SECONDS, FairTurns
from transport.message_budget import MessageBudget
from transport.message_stream import MessageStream
from transport.rfc6455 import BINARY, CLOSE, PING, PONG, TEXT, CloseFrame
from transport.write_batch import WriteBatch


def frame(kind: int, payload: bytes) -> bytes:
    """A frame as a client sends it, masked with zeros."""
    head = rfc6455.frame_header(kind, len(payload))
    return head[:1] + bytes((head[1] | 0x80,)) + head[2:] + bytes(4) + payload


@dataclass
class SocketEnds:
    """Both ends of a connection; `disconnected`: the sockets that lost their transport."""

    websocket: DirectWebSocket
    stream: MessageStream
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    transport: asyncio.Transport
    batch: WriteBatch
    disconnected: list[DirectWebSocket] = field(default_factory=list)

    async def send_frame(self, kind: int, payload: bytes) -> None:
        """As a client does."""
        self.writer.write(frame(kind, payload))
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
    gone: list[DirectWebSocket] = []
    burst = WriteBatch()
    transport, _ = await asyncio.get_running_loop().connect_accepted_socket(asyncio.Protocol, ours)
    line = DirectWebSocket(
        BINARY, max_message_bytes=100_000, on_disconnect=gone.append, table=ConnectionTable(), write_batch=burst
    )
    line.set_transport(transport)
    stream = MessageStream(line)
    reader, writer = await asyncio.open_connection(sock=theirs)
    try:
        async with asyncio.timeout(60):
            yield SocketEnds(line, stream, reader, writer, transport, burst, gone)
    finally:
        transport.abort()
        writer.close()
        await asyncio.gather(writer.wait_closed(), return_exceptions=True)


async def test_messages_arrive_whole_and_in_order_however_slowly_they_are_read() -> None:
    messages = [bytes((number % 256,)) * (number * 37 % 9_000) for number in range(400)]

    async def send_all(stream: MessageStream) -> int:
        waited = 0
        for message in messages:
            if not stream.send_now(message):
                waited += 1
                await stream.send({"type": "websocket.send", "bytes": message})
        return waited

    async with open_ends() as ends:
        speaking = asyncio.get_running_loop().create_task(send_all(ends.stream))
        await asyncio.sleep(0.02)
        assert not speaking.done()
        assert [await ends.receive_frame() for _ in messages] == [(BINARY, each) for each in messages]
        assert await speaking > 0


async def test_what_is_sent_in_a_burst_leaves_at_its_end_in_one_write_also_when_sending_fails() -> None:
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
        behind = asyncio.get_running_loop().create_task(ends.stream.send({"type": "websocket.send", "bytes": b"behind"}))
        assert [await ends.receive_frame() for _ in messages] == [(BINARY, each) for each in messages]
        assert await ends.receive_frame() == (BINARY, b"behind")
        await behind


async def test_what_many_connections_are_sent_is_framed_once_and_something_else_between_changes_nothing() -> None:
    message = b"to everybody"
    async with open_ends() as one, open_ends() as two:
        two.websocket._write_batch = one.batch
        with one.batch:
            for ends in (one, two):
                assert ends.websocket.send_now(message)
            assert one.websocket.pending_frames is two.websocket.pending_frames
            assert one.websocket.send_now(b"to one")
            assert two.websocket.send_now(message)
        assert [await one.receive_frame() for _ in range(2)] == [(BINARY, message), (BINARY, b"to one")]
        assert [await two.receive_frame() for _ in range(2)] == [(BINARY, message), (BINARY, message)]


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
        received = [(await ends.stream.receive())["bytes"] for _ in range(500)]
        assert received == [b"%d" % number for number in range(500)]
        assert ends.transport.is_reading()


async def test_a_ping_is_answered_and_text_is_handed_on_as_no_message_of_the_protocol() -> None:
    async with open_ends() as ends:
        await ends.send_frame(PING, b"there?")
        assert await ends.receive_frame() == (PONG, b"there?")
        await ends.send_frame(TEXT, b"hello")
        assert (await ends.stream.receive()).get("bytes") is None


@pytest.mark.parametrize(("kind", "size", "code"), [(3, 1, 1002), (BINARY, 100_001, 1009)])
async def test_what_is_no_frame_or_too_big_ends_the_line_with_a_code(kind: int, size: int, code: int) -> None:
    async with open_ends() as ends:
        await ends.send_frame(kind, bytes(size))
        received, payload = await ends.receive_frame()
        assert (received, int.from_bytes(payload[:2], "big")) == (CLOSE, code)
        assert (await ends.stream.receive())["type"] == "websocket.disconnect"
        assert (await ends.stream.receive())["type"] == "websocket.disconnect"
        assert not ends.websocket.send_now(b"late")
        with pytest.raises(RuntimeError):
            await ends.stream.send({"type": "websocket.send", "bytes": b"late"})


async def test_a_client_that_closes_is_answered_and_forgotten() -> None:
    async with open_ends() as ends:
        await ends.send_frame(CLOSE, (1000).to_bytes(2, "big"))
        assert await ends.receive_frame() == (CLOSE, (1000).to_bytes(2, "big"))
        assert (await ends.stream.receive())["type"] == "websocket.disconnect"
        assert await ends.reader.read() == b""
        while not ends.disconnected:
            await asyncio.sleep(0)
        assert ends.disconnected == [ends.websocket]


async def test_a_client_that_goes_on_sending_after_the_close_frame_is_not_read_from() -> None:
    sent = frame(BINARY, bytes(90_000)) * 100
    async with open_ends() as ends:
        ends.websocket.close(CloseFrame(4400, "no"))
        ends.writer.write(sent)
        assert await ends.receive_frame() == (CLOSE, b"\x11\x30no")
        await asyncio.sleep(0.3)
        unsent = ends.writer.transport.get_write_buffer_size()
        assert unsent > len(sent) - 4 * 2**20  # the rest is in the kernel's buffers
        await asyncio.sleep(0.1)
        assert ends.writer.transport.get_write_buffer_size() == unsent
        while not ends.disconnected:
            await asyncio.sleep(0.01)


async def test_a_client_that_does_not_read_is_dropped_a_moment_after_the_farewell() -> None:
    async with open_ends() as ends:
        while ends.websocket.send_now(bytes(50_000)):
            pass
        await ends.stream.send({"type": "websocket.close", "code": 4508, "reason": "RESYNC"})
        ends.stream.release()
        began = asyncio.get_running_loop().time()
        while not ends.disconnected:
            await asyncio.sleep(0.01)
        assert 0.5 < asyncio.get_running_loop().time() - began < allowed_seconds(3.0)


class Recorder:
    """A receiver that notes what it is given."""

    def __init__(self, socket_: DirectWebSocket) -> None:
        self.messages: list[bytes] = []
        self.pongs = 0
        self.closed_with: list[CloseFrame | None] = []
        self.seconds_per_message = 0.0
        socket_.attach(self)

    def on_message(self, payload: bytes) -> None:
        self.messages.append(payload)
        if self.seconds_per_message:
            time.sleep(self.seconds_per_message)

    def on_wrong_opcode(self) -> None:
        self.messages.append(b"wrong opcode")

    def on_pong(self) -> None:
        self.pongs += 1

    def on_writable(self) -> None:
        """Nothing waits here."""

    def on_rate_exceeded(self) -> CloseFrame | None:
        return CloseFrame(4429, "Too many messages")

    def close(self, frame: CloseFrame | None) -> None:
        self.closed_with.append(frame)


async def test_messages_of_one_packet_are_handled_in_turns_that_leave_the_loop_to_others() -> None:
    async with open_ends() as ends:
        recorder = Recorder(ends.websocket)
        recorder.seconds_per_message = 0.001
        ends.websocket.data_received(b"".join(frame(BINARY, b"%d" % number) for number in range(200)))
        counts = [len(recorder.messages)]
        while counts[-1] < 200:
            await asyncio.sleep(0)
            counts.append(len(recorder.messages))
        assert recorder.messages == [b"%d" % number for number in range(200)]
        assert max(after - before for before, after in pairwise([0, *counts])) <= MAX_TURN_MESSAGES + 1
        assert len(counts) > 50  # a turn lasts 2 ms, which is two of these messages


async def test_connections_of_one_address_share_the_turns_that_another_address_gets() -> None:
    turns, order = FairTurns(), list[str]()

    class Endless:
        def __init__(self, address: str) -> None:
            self.address = address
            turns.add(address, self)

        def continue_reading(self, deadline: float) -> bool:
            order.append(self.address)
            time.sleep(MAX_TURN_SECONDS)
            return len(order) < 40

    for address in ["crowd"] * 16 + ["single"]:
        Endless(address)
    while len(order) < 40:
        await asyncio.sleep(0)
    assert abs(order.count("single") - 20) <= 1


async def test_more_messages_than_the_rate_allows_end_the_connection_control_frames_count_too() -> None:
    for kind in (BINARY, TEXT, PING, PONG):
        async with open_ends() as ends:
            recorder = Recorder(ends.websocket)
            ends.websocket.budget = MessageBudget(messages_per_second=0.001, burst_messages=10)
            ends.websocket.data_received(frame(kind, b"") * 11)
            assert recorder.closed_with == [CloseFrame(4429, "Too many messages")]
            assert len(recorder.messages) == (10 if kind in (BINARY, TEXT) else 0)
            assert recorder.pongs == (10 if kind == PONG else 0)
            opcode, payload = await ends.receive_frame()
            assert (opcode, int.from_bytes(payload[:2], "big")) == (CLOSE, 4429)


async def test_a_rate_that_was_used_up_is_earned_again() -> None:
    budget = MessageBudget(messages_per_second=100, burst_messages=5)
    assert [budget.take() for _ in range(6)] == [True] * 5 + [False]
    await asyncio.sleep(0.1)
    assert budget.take(5)
    assert not budget.take(6)


async def test_of_pings_that_come_together_the_latest_is_answered_and_none_of_a_client_that_does_not_read() -> None:
    async with open_ends() as ends:
        Recorder(ends.websocket)
        ends.websocket.data_received(frame(PING, b"first") + frame(PING, b"second"))
        assert await ends.receive_frame() == (PONG, b"second")
        ends.websocket.send([bytes(50_000)] * 40)
        waiting = ends.transport.get_write_buffer_size()
        assert waiting > 0
        for _ in range(10_000):
            ends.websocket.data_received(frame(PING, bytes(125)))
        assert ends.transport.get_write_buffer_size() == waiting
        assert not ends.transport.is_reading()


async def test_what_is_received_while_the_receiver_is_full_is_handed_over_later_in_order() -> None:
    async with open_ends() as ends:
        ends.websocket.data_received(b"".join(frame(BINARY, b"%d" % number) for number in range(1000)))
        assert len(ends.stream._inbox) <= 32 + 1
        assert [(await ends.stream.receive())["bytes"] for _ in range(1000)] == [b"%d" % number for number in range(1000)]
        await asyncio.sleep(0.01)
        assert ends.transport.is_reading()


async def test_a_closed_connection_is_freed_without_the_collector() -> None:
    gc.collect()
    gc.disable()
    try:
        async with open_ends() as ends:
            freed = weakref.ref(Recorder(ends.websocket))
            await ends.send_frame(CLOSE, b"")
            while not ends.disconnected:
                await asyncio.sleep(0)
            assert freed() is None
    finally:
        gc.enable()
