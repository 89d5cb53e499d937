"""Over a real Valkey, which is killed and comes back: nothing is missed, and announcing costs nothing meanwhile."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from statistics import median

import pytest
from broadcaster._base import Event

from realtime import redis_backend
from realtime.announcements import LOST, PubSub
from realtime.background_tasks import BackgroundTasks
from realtime.hub import HubTimings, StreamHub
from realtime.listener import StreamListener
from realtime.redis_backend import RedisBackend
from tests.support.backing_services import Valkey
from tests.support.event_streams import (
    FAST_TIMINGS,
    IDLE_TIMINGS,
    MemoryLog,
    append_and_announce,
    next_entries,
    receives_nothing,
    wait_until,
)
from tests.support.machine import allowed_seconds

pytestmark = pytest.mark.slow


@pytest.fixture
def valkey(valkey_server: Valkey, monkeypatch: pytest.MonkeyPatch) -> Iterator[Valkey]:
    """On a busy machine Valkey needs more than a second for a thousand subscriptions, after which it were given up."""
    monkeypatch.setattr(redis_backend, "RESPONSE_TIMEOUT_SECONDS", 30.0)
    yield valkey_server
    valkey_server.start()


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[RedisBackend]:
    backend = RedisBackend(url)
    await backend.connect()
    try:
        yield backend
    finally:
        await backend.disconnect()


@asynccontextmanager
async def collect_events(backend: RedisBackend) -> AsyncIterator[list[Event]]:
    """What the backend hears, from now on."""
    heard: list[Event] = []

    async def hear() -> None:
        while True:
            heard.append(await backend.next_published())

    async with asyncio.TaskGroup() as tasks:
        hearer = tasks.create_task(hear())
        yield heard
        hearer.cancel()


async def test_a_subscription_is_in_force_when_it_returns(valkey: Valkey) -> None:
    async with connected(valkey.url) as one, connected(valkey.url) as other, collect_events(one) as heard:
        for number in range(50):
            await one.subscribe(f"a:{number}")
            await other.publish(f"a:{number}", "ü 😀")
        await wait_until(lambda: len(heard) == 50)
        assert heard == [Event(f"a:{number}", "ü 😀") for number in range(50)]
        await one.unsubscribe("a:1")
        await other.publish_many([Event("a:1", "1"), Event("a:2", "2"), Event("b", "3"), Event("a:3", "4")])
        await wait_until(lambda: len(heard) == 52)
        assert heard[50:] == [Event("a:2", "2"), Event("a:3", "4")]


async def test_a_subscription_is_in_force_when_it_returns_on_a_slow_way_too(valkey: Valkey) -> None:
    async with (
        slow_proxy(valkey.port, delay=0.05) as (url, _),
        connected(url) as one,
        connected(valkey.url) as other,
        collect_events(one) as heard,
    ):
        await one.subscribe("a")
        await other.publish("a", "1")
        await wait_until(lambda: heard == [Event("a", "1")])


async def test_what_is_wanted_may_change_while_everything_is_subscribed_again(valkey: Valkey) -> None:
    async with slow_proxy(valkey.port, delay=0.01) as (url, _), connected(valkey.url) as other:
        one = RedisBackend(url)
        for number in range(3):
            await one.subscribe(f"a:{number}")
        async with collect_events(one) as heard:
            while not one.connected:
                await one.subscribe("b")
                await one.unsubscribe("a:1")
                await asyncio.sleep(0.015)
                await one.subscribe("a:1")
                await one.unsubscribe("b")
                await asyncio.sleep(0.015)
            await one.unsubscribe("a:1")
            await one.subscribe("b")
            await other.publish_many([Event("a:0", "1"), Event("a:1", "2"), Event("a:2", "3"), Event("b", "4")])
            await wait_until(lambda: len(heard) == 4)
            assert heard == [LOST, Event("a:0", "1"), Event("a:2", "3"), Event("b", "4")]
        await one.disconnect()


async def test_two_who_subscribe_to_one_channel_at_once_both_succeed(valkey: Valkey) -> None:
    async with connected(valkey.url) as one, collect_events(one) as heard:
        await asyncio.gather(one.subscribe("a"), one.subscribe("a"), *(one.subscribe(f"b:{n}") for n in range(1_200)))
        await one.publish("a", "1")
        await one.publish("b:1199", "2")
        await wait_until(lambda: len(heard) == 2)
        assert heard == [Event("a", "1"), Event("b:1199", "2")]


async def test_after_a_kill_everything_is_subscribed_again_before_loss_is_reported(valkey: Valkey) -> None:
    async with connected(valkey.url) as one, connected(valkey.url) as other, collect_events(one) as heard:
        for number in range(600):
            await one.subscribe(f"a:{number}")
        valkey.kill()
        await wait_until(lambda: not one.connected)
        await one.subscribe("late")
        await one.unsubscribe("a:7")
        for _ in range(2):
            with pytest.raises(OSError):
                await other.publish("a:1", "lost")
        valkey.start()
        began = time.monotonic()
        await wait_until(lambda: heard == [LOST, LOST])
        assert time.monotonic() - began < allowed_seconds(2.0)
        await other.publish_many([Event("a:7", "x"), Event("a:599", "1"), Event("late", "2")])
        await wait_until(lambda: len(heard) == 4)
        assert heard == [LOST, LOST, Event("a:599", "1"), Event("late", "2")]


async def test_a_server_may_start_before_its_redis(valkey: Valkey) -> None:
    valkey.kill()
    async with connected(valkey.url) as one:
        assert not one.connected
        await one.subscribe("a")
        async with collect_events(one) as heard:
            await asyncio.sleep(0.05)
            valkey.start()
            await wait_until(lambda: heard == [LOST])
            await one.publish("a", "1")
            await wait_until(lambda: heard == [LOST, Event("a", "1")])


async def test_a_silent_redis_is_given_up_and_a_quiet_one_is_not(valkey: Valkey, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_backend, "PING_AFTER_SECONDS", 0.1)
    monkeypatch.setattr(redis_backend, "RESPONSE_TIMEOUT_SECONDS", 1.0)
    async with slow_proxy(valkey.port) as (url, silence), connected(url) as one, collect_events(one) as heard:
        await asyncio.sleep(0.35)
        assert one.connected
        await one.subscribe("a")
        await asyncio.sleep(0.35)
        assert (one.connected, heard) == (True, [])
        silence.set()
        await wait_until(lambda: not one.connected)
        with pytest.raises(OSError):
            await one.publish("a", "lost")
        silence.clear()
        await wait_until(lambda: heard == [LOST, LOST])
        await one.publish("a", "1")
        await wait_until(lambda: heard == [LOST, LOST, Event("a", "1")])


async def test_nothing_is_missed_between_two_processes_when_redis_is_killed_and_comes_back(valkey: Valkey) -> None:
    rows = MemoryLog()
    streams = {"team:1": 0, "team:2": 0}
    seconds: list[float] = []
    async with (
        asyncio.TaskGroup() as consumers,
        PubSub.open(RedisBackend(valkey.url)) as writer,
        PubSub.open(RedisBackend(valkey.url)) as live,
        StreamHub.open(live, rows, timings=FAST_TIMINGS) as hub,
        AsyncExitStack() as stack,
    ):
        got: list[list[tuple[str, int]]] = []
        for _ in range(5):
            got.append([])
            listener = await stack.enter_async_context(hub.listen())
            await listener.add("team:1", 0)
            await listener.add("team:2", 0)
            consumers.create_task(_collect(listener, got[-1]))
        for number in range(300):
            if number == 100:
                valkey.kill()
            if number == 200:
                valkey.start()
            began = time.perf_counter()
            await append_and_announce(rows, writer, f"team:{1 + number % 2}")
            seconds.append(time.perf_counter() - began)
            await asyncio.sleep(0.003)
        await wait_until(lambda: all(len(each) == 300 for each in got))
        assert await _wait_until_stable(got)
    for each in got:
        for stream in streams:
            assert [position for name, position in each if name == stream] == list(range(1, 151))
    assert median(seconds[100:200]) < allowed_seconds(0.05), "nobody waits for what is away"


async def test_what_was_committed_while_redis_was_away_comes_as_soon_as_it_is_back(valkey: Valkey) -> None:
    rows = MemoryLog()
    patient = HubTimings(check_seconds=3600.0, check_disconnected_seconds=3600.0, gap_grace_seconds=0.002)
    async with (
        PubSub.open(RedisBackend(valkey.url)) as live,
        StreamHub.open(live, rows, timings=patient) as hub,
        hub.listen() as listener,
    ):
        await listener.add("team:1")
        asked = rows.heads_count
        valkey.kill()
        await wait_until(lambda: rows.heads_count > asked)  # it looks once, when it loses the connection
        assert await receives_nothing(listener)
        rows.append("team:1")
        assert await receives_nothing(listener)
        valkey.start()
        began = time.monotonic()
        assert await next_entries(listener, 1) == [("team:1", 1)]
        assert time.monotonic() - began < allowed_seconds(2.0)


async def test_while_redis_is_away_the_log_is_looked_at_more_often(valkey: Valkey) -> None:
    rows = MemoryLog()
    pace = HubTimings(check_seconds=3600.0, check_disconnected_seconds=0.1, gap_grace_seconds=0.002)
    async with (
        PubSub.open(RedisBackend(valkey.url)) as live,
        StreamHub.open(live, rows, timings=pace) as hub,
        hub.listen() as listener,
    ):
        await listener.add("team:1")
        await listener.add("team:2")
        valkey.kill()
        await wait_until(lambda: not live.connected)
        for position in range(1, 4):
            rows.append("team:2")
            assert await next_entries(listener, 1) == [("team:2", position)]


async def test_an_entry_of_another_process_comes_without_a_query(valkey: Valkey) -> None:
    rows = MemoryLog()
    async with (
        PubSub.open(RedisBackend(valkey.url)) as writer,
        PubSub.open(RedisBackend(valkey.url)) as live,
        StreamHub.open(live, rows, timings=IDLE_TIMINGS) as hub,
        hub.listen() as listener,
    ):
        await listener.add("team:1")
        await append_and_announce(rows, writer, "team:1", 200)
        assert await next_entries(listener, 200) == [("team:1", position) for position in range(1, 201)]
        assert (rows.read_count, rows.heads_count) == (0, 1)


async def _collect(listener: StreamListener, into: list[tuple[str, int]]) -> None:
    async for each in listener:
        into.append((each.stream, each.position))  # noqa: PERF401 (seen while it grows)


async def _wait_until_stable(received: list[list[tuple[str, int]]]) -> bool:
    await asyncio.sleep(0.05)
    return all(len(each) == 300 for each in received)


@asynccontextmanager
async def slow_proxy(port: int, *, delay: float = 0.0) -> AsyncIterator[tuple[str, asyncio.Event]]:
    """A slow way to Valkey: its address, and an event while which is set nothing passes though connections stay open."""
    silence = asyncio.Event()

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while passed := await reader.read(65_536):
                await asyncio.sleep(delay)
                if not silence.is_set():
                    writer.write(passed)
        finally:
            writer.close()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers, calls = await asyncio.open_connection("127.0.0.1", port)
        carriers.start(carry(reader, calls), "there")
        carriers.start(carry(answers, writer), "and back")

    carriers = BackgroundTasks()
    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0", silence
    finally:
        server.close()
        await carriers.cancel_all()
