"""Messages wait while the gate is closed, in order, unless a connection has as many as it may."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.graph.http.test_direct_websocket import SocketEnds, open_ends
from transport.message_gate import MAX_RELEASED, MessageGate
from transport.message_stream import MessageStream
from transport.rfc6455 import BINARY


@asynccontextmanager
async def stream_behind(gate: MessageGate) -> AsyncIterator[tuple[SocketEnds, MessageStream, list[bytes]]]:
    """A stream that reads what comes through a gate, and what it has read."""
    found = list[bytes]()
    async with open_ends() as ends:
        stream = MessageStream(ends.websocket, gate)

        async def read() -> None:
            while (message := await stream.receive())["type"] == "websocket.receive":
                found.append(message["bytes"])

        reading = asyncio.get_running_loop().create_task(read())
        yield ends, stream, found
        reading.cancel()


async def wait_for(found: list[bytes], count: int) -> None:
    async with asyncio.timeout(30):
        while len(found) < count:
            await asyncio.sleep(0.001)


async def wait_until_received(stream: MessageStream, count: int) -> None:
    async with asyncio.timeout(30):
        while len(stream._inbox) < count:
            await asyncio.sleep(0.001)


async def test_what_comes_while_it_is_closed_is_handled_in_order_when_it_opens() -> None:
    gate = MessageGate()
    async with stream_behind(gate) as (ends, stream, found):
        await ends.send_frame(BINARY, b"before")
        await wait_for(found, 1)
        gate.close()
        for number in range(5):
            await ends.send_frame(BINARY, b"%d" % number)
        await wait_until_received(stream, 5)
        assert found == [b"before"]
        gate.open()
        await wait_for(found, 6)
        await ends.send_frame(BINARY, b"after")
        await wait_for(found, 7)
    assert found == [b"before", b"0", b"1", b"2", b"3", b"4", b"after"]


async def test_a_connection_whose_inbox_is_full_goes_through() -> None:
    gate = MessageGate()
    gate.close()
    async with stream_behind(gate) as (ends, _, found):
        await asyncio.sleep(0)
        for number in range(100):
            await ends.send_frame(BINARY, b"%d" % number)
        await wait_for(found, 32)
        gate.open()
        await wait_for(found, 100)
    assert found == [b"%d" % number for number in range(100)]


async def test_an_end_is_seen_at_once_and_leaves_nothing() -> None:
    gate = MessageGate()
    gate.close()
    async with open_ends() as ends:
        stream = MessageStream(ends.websocket, gate)
        receiving = asyncio.get_running_loop().create_task(stream.receive())
        await asyncio.sleep(0)
        await ends.send_frame(BINARY, b"held")
        await wait_until_received(stream, 1)
        ends.transport.abort()
        assert (await receiving)["bytes"] == b"held"
        assert (await stream.receive())["type"] == "websocket.disconnect"
        gate.open()
        assert len(gate._waiting) == 0


async def test_a_crowd_is_released_in_turns_of_the_loop() -> None:
    gate, loop = MessageGate(), asyncio.get_running_loop()
    gate.close()
    receivers = [loop.create_future() for _ in range(3 * MAX_RELEASED)]
    for each in receivers:
        gate.wake(each)
    receivers[0].cancel()
    gate.open()
    released = []
    while not all(each.done() for each in receivers):
        released.append(sum(each.done() for each in receivers))
        await asyncio.sleep(0)
    assert released == [MAX_RELEASED, 2 * MAX_RELEASED]
