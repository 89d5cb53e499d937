"""Large messages leave in slices: one after the other, with others' turns between."""

import asyncio
from itertools import pairwise

import pytest

from tests.graph.http.test_direct_websocket import SocketEnds, open_ends
from transport.rfc6455 import BINARY, CONTINUATION, PING, PONG
from transport.write_turns import SLICE_BYTES, WriteTurns

Frame = tuple[bool, int, bytes]


async def next_frame(ends: SocketEnds) -> Frame:
    """Whether it is the last of its message, its opcode and its payload."""
    first, length = await ends.reader.readexactly(2)
    if length >= 126:
        length = int.from_bytes(await ends.reader.readexactly(2 if length == 126 else 8), "big")
    return bool(first & 0x80), first & 0x0F, await ends.reader.readexactly(length)


async def test_a_large_message_is_sent_in_parts_and_only_control_frames_come_between() -> None:
    message = bytes(range(256)) * (20 * SLICE_BYTES // 256) + b"end"
    async with open_ends() as ends, asyncio.TaskGroup() as tasks:
        sending = tasks.create_task(ends.stream.send({"type": "websocket.send", "bytes": message}))
        frames = [await next_frame(ends)]
        assert not ends.stream.send_now(b"behind it")  # not between its parts
        await ends.send_frame(PING, b"there?")
        while not frames[-1][0] or frames[-1][1] == PONG:
            frames.append(await next_frame(ends))
        await sending
        assert ends.stream.send_now(b"behind it")
        assert await next_frame(ends) == (True, BINARY, b"behind it")
    parts = [each for each in frames if each[1] != PONG]
    assert [each for each in frames if each[1] == PONG] == [(True, PONG, b"there?")]
    assert [each[1] for each in parts] == [BINARY] + [CONTINUATION] * 20
    assert [each[0] for each in parts] == [False] * 20 + [True]
    assert b"".join(each[2] for each in parts) == message


async def test_a_message_of_one_slice_is_one_frame() -> None:
    async with open_ends() as ends, asyncio.TaskGroup() as tasks:
        for size in (SLICE_BYTES - 1, SLICE_BYTES):
            tasks.create_task(ends.stream.send({"type": "websocket.send", "bytes": bytes(size)}))
            assert await next_frame(ends) == (True, BINARY, bytes(size))


async def test_the_message_that_began_first_goes_first_and_whoever_gave_up_holds_up_nobody() -> None:
    turns, order = WriteTurns(), list[str]()

    async def write(name: str, place: int, slices: int) -> None:
        for _ in range(slices):
            await turns.turn(place)
            order.append(name)

    async with asyncio.TaskGroup() as tasks:
        first, gone, second = turns.begin(), turns.begin(), turns.begin()
        tasks.create_task(write("second", second, 3))
        leaves = tasks.create_task(write("gone", gone, 3))
        tasks.create_task(write("first", first, 3))
        await asyncio.sleep(0)
        leaves.cancel()
    assert order == ["first"] * 3 + ["second"] * 3
    assert turns._waiting == []


async def test_between_two_slices_the_loop_has_a_turn() -> None:
    turns, events = WriteTurns(), list[str]()
    done = asyncio.Event()

    async def write() -> None:
        place = turns.begin()
        for _ in range(5):
            await turns.turn(place)
            events.append("slice")
        done.set()

    async def work() -> None:
        while not done.is_set():
            events.append("work")
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(write())
        tasks.create_task(work())
    assert all(pair != ("slice", "slice") for pair in pairwise(events))


async def test_a_connection_that_ends_within_a_message_ends_the_sending() -> None:
    async with open_ends() as ends, asyncio.TaskGroup() as tasks:

        async def send() -> None:
            with pytest.raises(RuntimeError):
                await ends.stream.send({"type": "websocket.send", "bytes": bytes(40_000_000)})

        tasks.create_task(send())
        await next_frame(ends)
        assert ends.websocket.is_within_message
        ends.websocket.close(None)
        ends.transport.abort()
    assert not ends.websocket.is_within_message
