"""Announcements may be lost, doubled and shuffled: every listener still gets every entry, once, in order."""

import asyncio
import random

import pytest

from domain.errors import CursorExpired, Unavailable
from realtime.announcements import PubSub
from realtime.hub import StreamHub
from realtime.memory_backend import MemoryBackend
from tests.support.event_streams import (
    FAST_TIMINGS,
    IDLE_TIMINGS,
    MemoryLog,
    SilentBackend,
    UnreliableBackend,
    append_and_announce,
    make_entry,
    next_entries,
    receives_nothing,
    wait_until,
)


@pytest.mark.parametrize("seed", range(8))
async def test_lost_doubled_and_shuffled_announcements_reach_everyone_once_and_in_order(seed: int) -> None:
    chance = random.Random(seed)
    streams = ["team:1", "team:2", "user:1"]
    rows = MemoryLog()
    for stream in streams:
        for _ in range(chance.randrange(300)):
            rows.append(stream)
    got: list[dict[str, list[int]]] = []
    starts: list[dict[str, int]] = []

    async def subscribe(hub: StreamHub) -> None:
        await asyncio.sleep(chance.random() * 0.3)
        start = {stream: chance.randrange(len(rows.entries[stream]) + 1) for stream in chance.sample(streams, 2)}
        mine: dict[str, list[int]] = {stream: [] for stream in start}
        starts.append(start)
        got.append(mine)
        while True:
            reached = {stream: (positions or [start[stream]])[-1] for stream, positions in mine.items()}
            try:
                async with hub.listen() as listener:
                    async for each in listener.follow(reached):
                        mine[each.stream].append(each.position)
                return
            except Unavailable:
                await asyncio.sleep(0.01)

    async with (
        asyncio.TaskGroup() as subscribers,
        PubSub.open(UnreliableBackend(seed)) as live,
        StreamHub.open(live, rows, timings=FAST_TIMINGS) as hub,
    ):
        for _ in range(12):
            subscribers.create_task(subscribe(hub))
        for _ in range(60):
            await append_and_announce(rows, live, chance.choice(streams), chance.randrange(1, 12))
            rows.is_unavailable = chance.random() < 0.1
            await asyncio.sleep(chance.random() * 0.01)
        rows.is_unavailable = False
        ends = {stream: len(rows.entries[stream]) for stream in streams}

        def everyone_is_there() -> bool:
            return len(got) == 12 and all(
                (positions or [start[stream]])[-1] == ends[stream]
                for start, mine in zip(starts, got, strict=True)
                for stream, positions in mine.items()
            )

        await wait_until(everyone_is_there)
    for start, mine in zip(starts, got, strict=True):
        for stream, positions in mine.items():
            assert positions == list(range(start[stream] + 1, ends[stream] + 1))


async def test_a_listener_receives_from_now_on_and_learns_the_head() -> None:
    rows = MemoryLog()
    for _ in range(3):
        rows.append("team:1")
    async with (
        PubSub.open(MemoryBackend()) as live,
        StreamHub.open(live, rows, timings=IDLE_TIMINGS) as hub,
        hub.listen() as listener,
    ):
        assert await listener.add("team:1") == 3
        assert await listener.add("team:2") == 0
        await append_and_announce(rows, live, "team:1", 2)
        await append_and_announce(rows, live, "team:2")
        assert await next_entries(listener, 3) == [("team:1", 4), ("team:1", 5), ("team:2", 1)]
        assert await receives_nothing(listener)
        assert (rows.read_count, rows.heads_count) == (0, 2)


async def test_streams_that_are_wanted_together_are_opened_with_one_query() -> None:
    rows = MemoryLog()
    streams = {f"team:{number}": 0 for number in range(50)}
    for stream in streams:
        rows.append(stream)
    async with (
        PubSub.open(MemoryBackend()) as live,
        StreamHub.open(live, rows, timings=IDLE_TIMINGS) as hub,
        hub.listen() as listener,
    ):
        entries = listener.follow(streams)
        assert {(await anext(entries)).stream for _ in range(50)} == set(streams)
        assert rows.heads_count == 1


async def test_a_skipped_position_is_read_from_the_log() -> None:
    rows = MemoryLog()
    async with (
        PubSub.open(MemoryBackend()) as live,
        StreamHub.open(live, rows, timings=IDLE_TIMINGS) as hub,
        hub.listen() as listener,
    ):
        await listener.add("team:1")
        rows.append("team:1")
        rows.append("team:1")
        await append_and_announce(rows, live, "team:1")
        assert await next_entries(listener, 3) == [("team:1", 1), ("team:1", 2), ("team:1", 3)]
        assert rows.read_count == 1


async def test_a_late_announcement_costs_no_query() -> None:
    rows = MemoryLog()
    async with (
        PubSub.open(MemoryBackend()) as live,
        StreamHub.open(live, rows, timings=IDLE_TIMINGS) as hub,
        hub.listen() as listener,
    ):
        await listener.add("team:1")
        first, second = rows.append("team:1"), rows.append("team:1")
        await live.announce(second)
        await live.announce(first)
        assert await next_entries(listener, 2) == [("team:1", 1), ("team:1", 2)]
        assert rows.read_count == 0


async def test_the_slow_timer_finds_what_nobody_announced() -> None:
    rows = MemoryLog()
    async with (
        PubSub.open(SilentBackend()) as live,
        StreamHub.open(live, rows, timings=FAST_TIMINGS) as hub,
        hub.listen() as listener,
    ):
        await listener.add("team:1")
        await append_and_announce(rows, live, "team:1", 2)
        assert await next_entries(listener, 2) == [("team:1", 1), ("team:1", 2)]


async def test_an_announcement_of_what_is_not_in_the_log_is_given_up() -> None:
    rows = MemoryLog()
    async with (
        PubSub.open(MemoryBackend()) as live,
        StreamHub.open(live, rows, timings=IDLE_TIMINGS) as hub,
        hub.listen() as listener,
    ):
        await listener.add("team:1")
        await live.announce(make_entry("team:1", 9))
        await wait_until(lambda: rows.read_count == 6)
        assert await receives_nothing(listener)
        assert rows.read_count == 6
        await append_and_announce(rows, live, "team:1")
        assert await next_entries(listener, 1) == [("team:1", 1)]


async def test_a_database_that_is_away_delays_and_loses_nothing() -> None:
    rows = MemoryLog()
    async with (
        PubSub.open(SilentBackend()) as live,
        StreamHub.open(live, rows, timings=FAST_TIMINGS) as hub,
        hub.listen() as listener,
    ):
        await listener.add("team:1")
        rows.is_unavailable = True
        await append_and_announce(rows, live, "team:1", 3)
        assert await receives_nothing(listener, 0.4)
        rows.is_unavailable = False
        assert await next_entries(listener, 3) == [("team:1", 1), ("team:1", 2), ("team:1", 3)]


async def test_a_stream_that_cannot_be_opened_is_refused_and_may_be_tried_again() -> None:
    rows = MemoryLog()
    rows.append("team:1")
    async with (
        PubSub.open(MemoryBackend()) as live,
        StreamHub.open(live, rows, timings=IDLE_TIMINGS) as hub,
        hub.listen() as listener,
    ):
        rows.is_unavailable = True
        with pytest.raises(Unavailable):
            await listener.add("team:1")
        rows.is_unavailable = False
        assert await listener.add("team:1") == 1
        await append_and_announce(rows, live, "team:1")
        assert await next_entries(listener, 1) == [("team:1", 2)]


async def test_one_who_gives_up_waiting_does_not_spoil_it_for_the_others() -> None:
    rows = MemoryLog()
    async with (
        asyncio.TaskGroup() as tasks,
        PubSub.open(MemoryBackend()) as live,
        StreamHub.open(live, rows, timings=IDLE_TIMINGS) as hub,
        hub.listen() as impatient,
        hub.listen() as patient,
    ):
        first = tasks.create_task(impatient.add("team:1"))
        second = tasks.create_task(patient.add("team:1"))
        await asyncio.sleep(0)
        first.cancel()
        assert await second == 0
        await append_and_announce(rows, live, "team:1")
        assert await next_entries(patient, 1) == [("team:1", 1)]


async def test_a_stream_lingers_after_its_last_listener_then_ends_and_can_begin_again() -> None:
    rows = MemoryLog()
    backend = MemoryBackend()
    async with PubSub.open(backend) as live, StreamHub.open(live, rows, timings=FAST_TIMINGS) as hub:
        async with hub.listen() as listener:
            await listener.add("team:1")
        assert backend._channels == {"team:1"}
        await append_and_announce(rows, live, "team:1", 2)
        await asyncio.sleep(0.02)
        async with hub.listen() as listener:
            assert await listener.add("team:1", 0) == 2
            assert await next_entries(listener, 2) == [("team:1", 1), ("team:1", 2)]
            assert rows.read_count == 0
            await asyncio.sleep(0.5)
            assert backend._channels == {"team:1"}
        await wait_until(lambda: backend._channels == set())
        async with hub.listen() as listener:
            assert await listener.add("team:1", 1) == 2
            assert backend._channels == {"team:1"}
            await append_and_announce(rows, live, "team:1")
            assert await next_entries(listener, 2) == [("team:1", 2), ("team:1", 3)]


async def test_when_the_log_no_longer_reaches_back_the_listener_has_to_reload() -> None:
    rows = MemoryLog()
    for _ in range(10):
        rows.append("team:1")
    rows.trimmed_to = 5
    async with PubSub.open(MemoryBackend()) as live, StreamHub.open(live, rows, timings=IDLE_TIMINGS) as hub:
        async with hub.listen() as listener:
            await listener.add("team:1", 4)
            with pytest.raises(CursorExpired):
                await anext(listener)
        async with hub.listen() as listener:
            await listener.add("team:1", 5)
            assert await next_entries(listener, 5) == [("team:1", position) for position in range(6, 11)]


async def test_a_hub_that_fell_behind_the_log_goes_on_from_its_head() -> None:
    rows = MemoryLog()
    async with PubSub.open(MemoryBackend()) as live, StreamHub.open(live, rows, timings=IDLE_TIMINGS) as hub:
        async with hub.listen() as listener:
            await listener.add("team:1")
            for _ in range(10):
                rows.append("team:1")
            rows.trimmed_to = 5
            await append_and_announce(rows, live, "team:1")
            with pytest.raises(CursorExpired):
                await anext(listener)
        async with hub.listen() as listener:
            assert await listener.add("team:1") == 11
            await append_and_announce(rows, live, "team:1")
            assert await next_entries(listener, 1) == [("team:1", 12)]


async def test_closing_the_hub_ends_all_listeners_and_leaves_no_task() -> None:
    rows = MemoryLog()
    before = asyncio.all_tasks()
    ended = 0

    async def consume(hub: StreamHub) -> None:
        nonlocal ended
        async with hub.listen() as listener:
            await listener.add("team:1", 0)
            async for _ in listener:
                pass
            ended += 1

    async with asyncio.TaskGroup() as consumers, PubSub.open(MemoryBackend()) as live:
        async with StreamHub.open(live, rows, timings=IDLE_TIMINGS) as hub:
            for _ in range(20):
                consumers.create_task(consume(hub))
            await asyncio.sleep(0.02)
            rows.is_unavailable = True
            await live.announce(make_entry("team:1", 5))
            await asyncio.sleep(0.02)
        await wait_until(lambda: ended == 20)
        with pytest.raises(Unavailable):
            async with hub.listen() as late:
                await late.add("team:1")
    assert asyncio.all_tasks() == before
