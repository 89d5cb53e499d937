"""A listener follows many streams from any position; when it is too slow it is closed and nobody else notices."""

import asyncio

import pytest

from domain.errors import SubscriptionLagged
from realtime.announcements import PubSub
from realtime.hub import StreamHub
from realtime.listener import MAX_QUEUED_ENTRIES
from realtime.memory_backend import MemoryBackend
from tests.support.event_streams import (
    FAST_TIMINGS,
    IDLE_TIMINGS,
    MemoryLog,
    SilentBackend,
    append_and_announce,
    next_entries,
    receives_nothing,
    wait_until,
)


async def test_a_long_log_is_replayed_then_live_without_gap_or_repeat_while_entries_keep_coming() -> None:
    rows = MemoryLog()
    for _ in range(3_000):
        rows.append("team:1")
    async with (
        PubSub.open(MemoryBackend()) as live,
        StreamHub.open(live, rows, timings=IDLE_TIMINGS) as hub,
        hub.listen() as listener,
    ):
        positions = []
        entries = listener.follow({"team:1": 100})
        for number in range(4_400):
            if number % 2 == 0 and number < 3_000:
                await append_and_announce(rows, live, "team:1")
            positions.append((await anext(entries)).position)
        assert positions == list(range(101, 4_501))
        assert await receives_nothing(listener)


async def test_a_long_replay_keeps_a_page_in_memory() -> None:
    rows = MemoryLog()
    for _ in range(3_000):
        rows.append("team:1")
    async with (
        PubSub.open(MemoryBackend()) as live,
        StreamHub.open(live, rows, timings=IDLE_TIMINGS) as hub,
        hub.listen() as listener,
    ):
        await listener.add("team:1", 0)
        await append_and_announce(rows, live, "team:1", 1_000)
        await asyncio.sleep(0.1)
        assert len(listener._queue) == 128
        assert await next_entries(listener, 4_000) == [("team:1", position) for position in range(1, 4_001)]


async def test_many_who_come_back_at_once_catch_up_from_memory() -> None:
    rows = MemoryLog()
    async with PubSub.open(MemoryBackend()) as live, StreamHub.open(live, rows, timings=IDLE_TIMINGS) as hub:
        async with hub.listen() as first:
            await first.add("team:1")
            await append_and_announce(rows, live, "team:1", 20)
            await next_entries(first, 20)

        async def come_back(position: int) -> list[tuple[str, int]]:
            async with hub.listen() as listener:
                await listener.add("team:1", position)
                return await next_entries(listener, 20 - position)

        for position, got in enumerate(await asyncio.gather(*(come_back(position) for position in range(20)))):
            assert got == [("team:1", each) for each in range(position + 1, 21)]
        assert (rows.read_count, rows.heads_count) == (0, 1)


async def test_many_who_come_back_to_a_new_process_read_the_log_once() -> None:
    rows = MemoryLog()
    for _ in range(100):
        rows.append("team:1")
    async with PubSub.open(MemoryBackend()) as live, StreamHub.open(live, rows, timings=IDLE_TIMINGS) as hub:

        async def come_back(position: int) -> list[tuple[str, int]]:
            async with hub.listen() as listener:
                await listener.add("team:1", position)
                return await next_entries(listener, 100 - position)

        for position, got in enumerate(await asyncio.gather(*(come_back(position) for position in range(100)))):
            assert got == [("team:1", each) for each in range(position + 1, 101)]
        assert (rows.read_count, rows.heads_count) == (1, 1)


async def test_a_slow_listener_is_closed_and_the_others_are_not_harmed() -> None:
    rows = MemoryLog()
    async with (
        PubSub.open(MemoryBackend()) as live,
        StreamHub.open(live, rows, timings=IDLE_TIMINGS) as hub,
        hub.listen() as slow,
        hub.listen() as quick,
    ):
        await slow.add("team:1")
        await quick.add("team:1")
        for count in range(MAX_QUEUED_ENTRIES):
            await append_and_announce(rows, live, "team:1")
            assert await next_entries(quick, 1) == [("team:1", count + 1)]
        assert len(slow._queue) == MAX_QUEUED_ENTRIES
        await append_and_announce(rows, live, "team:1")
        assert await next_entries(quick, 1) == [("team:1", MAX_QUEUED_ENTRIES + 1)]
        for _ in range(2):
            with pytest.raises(SubscriptionLagged):
                await anext(slow)
        with pytest.raises(SubscriptionLagged):
            await slow.add("team:2")
        assert (len(slow._queue), slow.positions) == (0, {})


async def test_a_listener_is_bounded_in_bytes_too() -> None:
    rows = MemoryLog()
    async with (
        PubSub.open(MemoryBackend()) as live,
        StreamHub.open(live, rows, timings=IDLE_TIMINGS) as hub,
        hub.listen() as slow,
        hub.listen() as other,
    ):
        await slow.add("team:1")
        await other.add("team:1")
        await live.announce(rows.append("team:1", text="x" * 2_000_000))
        assert await next_entries(other, 1) == [("team:1", 1)]
        assert await next_entries(slow, 1) == [("team:1", 1)]
        await live.announce(rows.append("team:1", text="x" * 600_000))
        await live.announce(rows.append("team:1", text="x" * 600_000))
        assert await next_entries(other, 1) == [("team:1", 2)]
        assert await next_entries(other, 1) == [("team:1", 3)]
        with pytest.raises(SubscriptionLagged):
            await anext(slow)


async def test_a_burst_that_only_the_hub_made_closes_nobody() -> None:
    rows = MemoryLog()
    async with (
        PubSub.open(SilentBackend()) as live,
        StreamHub.open(live, rows, timings=FAST_TIMINGS) as hub,
        hub.listen() as listener,
    ):
        await listener.add("team:1")
        for _ in range(2_000):
            rows.append("team:1")
        await wait_until(lambda: len(listener._queue) >= MAX_QUEUED_ENTRIES)
        assert len(listener._queue) <= MAX_QUEUED_ENTRIES + 128
        await asyncio.sleep(0.05)
        assert await next_entries(listener, 2_000) == [("team:1", position) for position in range(1, 2_001)]


async def test_streams_come_and_go_while_others_are_followed() -> None:
    rows = MemoryLog()
    for _ in range(500):
        rows.append("team:2")
    async with (
        PubSub.open(MemoryBackend()) as live,
        StreamHub.open(live, rows, timings=IDLE_TIMINGS) as hub,
        hub.listen() as listener,
    ):
        entries = listener.follow({"team:1": 0})
        await append_and_announce(rows, live, "team:1")
        assert (await anext(entries)).position == 1

        assert await listener.add("team:2", 490) == 500
        assert await next_entries(listener, 10) == [("team:2", position) for position in range(491, 501)]
        await append_and_announce(rows, live, "team:2")
        await append_and_announce(rows, live, "team:1")
        await wait_until(lambda: len(listener._queue) == 2)
        listener.discard("team:2")
        await append_and_announce(rows, live, "team:2")
        assert await next_entries(listener, 1) == [("team:1", 2)]
        assert await receives_nothing(listener)
        assert listener.positions == {"team:1": 2}

        assert await listener.add("team:2", 501) == 502
        assert await next_entries(listener, 1) == [("team:2", 502)]
        assert await listener.add("team:2", 0) == 502
        assert await receives_nothing(listener)


async def test_a_stream_may_be_discarded_in_the_middle_of_its_replay() -> None:
    rows = MemoryLog()
    for _ in range(1_000):
        rows.append("team:1")
    async with (
        PubSub.open(MemoryBackend()) as live,
        StreamHub.open(live, rows, timings=IDLE_TIMINGS) as hub,
        hub.listen() as listener,
    ):
        await listener.add("team:1", 0)
        await listener.add("team:2", 0)
        assert await next_entries(listener, 1) == [("team:1", 1)]
        listener.discard("team:1")
        assert await receives_nothing(listener)
        await append_and_announce(rows, live, "team:2")
        assert await next_entries(listener, 1) == [("team:2", 1)]


async def test_live_streams_go_on_while_the_log_of_another_cannot_be_read() -> None:
    rows = MemoryLog()
    for _ in range(10):
        rows.append("team:2")
    async with (
        PubSub.open(MemoryBackend()) as live,
        StreamHub.open(live, rows, timings=IDLE_TIMINGS) as hub,
        hub.listen() as listener,
    ):
        await listener.add("team:1")
        await listener.add("team:2")
        listener.discard("team:2")
        rows.is_unavailable = True
        await listener.add("team:2", 0)
        await append_and_announce(rows, live, "team:1", 3)
        assert await next_entries(listener, 3) == [("team:1", 1), ("team:1", 2), ("team:1", 3)]
        rows.is_unavailable = False
        assert await next_entries(listener, 10) == [("team:2", position) for position in range(1, 11)]


async def test_a_cursor_ahead_of_what_this_process_received_repeats_nothing() -> None:
    rows = MemoryLog()
    async with (
        PubSub.open(SilentBackend()) as live,
        StreamHub.open(live, rows, timings=IDLE_TIMINGS) as hub,
        hub.listen() as early,
    ):
        await early.add("team:1")
        for _ in range(5):
            rows.append("team:1")
        async with hub.listen() as listener:
            assert await listener.add("team:1", 3) == 0
            assert await next_entries(listener, 2) == [("team:1", 4), ("team:1", 5)]
        assert await next_entries(early, 5) == [("team:1", position) for position in range(1, 6)]


async def test_waiting_may_be_cut_short_without_losing_anything() -> None:
    rows = MemoryLog()
    async with (
        PubSub.open(MemoryBackend()) as live,
        StreamHub.open(live, rows, timings=IDLE_TIMINGS) as hub,
        hub.listen() as listener,
    ):
        await listener.add("team:1")
        for position in range(1, 6):
            assert await receives_nothing(listener, 0.005)
            await append_and_announce(rows, live, "team:1")
            assert await next_entries(listener, 1) == [("team:1", position)]


async def test_listeners_share_one_entry_and_have_one_consumer_each() -> None:
    rows = MemoryLog()
    async with (
        PubSub.open(MemoryBackend()) as live,
        StreamHub.open(live, rows, timings=IDLE_TIMINGS) as hub,
        hub.listen() as one,
        hub.listen() as other,
    ):
        await one.add("team:1")
        await other.add("team:1")
        await append_and_announce(rows, live, "team:1")
        assert await anext(one) is await anext(other)
        async with asyncio.TaskGroup() as tasks:
            waiting = tasks.create_task(next_entries(one, 1))
            await asyncio.sleep(0)
            with pytest.raises(RuntimeError, match="one consumer"):
                await anext(one)
            await append_and_announce(rows, live, "team:1")
        assert waiting.result() == [("team:1", 2)]
