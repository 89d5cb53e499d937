"""Announcing costs nothing and loses only what the log has; hearing understands what it can and hints at the rest."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from broadcaster._base import Event

from domain.events import Entry
from realtime.announcements import (
    LOST,
    MAX_QUEUED_BYTES,
    MAX_QUEUED_MESSAGES,
    MessagesLost,
    PubSub,
    decode_message,
    encode_message,
)
from realtime.memory_backend import MemoryBackend
from tests.support.event_streams import make_entry, wait_until
from tests.support.machine import allowed_seconds


class BrokenBackend(MemoryBackend):
    """Cannot publish as long as it is broken; other processes may receive what it publishes."""

    def __init__(self) -> None:
        super().__init__()
        self.broken = True
        self.attempts = 0
        self.published: list[int] = []

    def may_be_received(self, channel: str) -> bool:
        return True

    async def publish_many(self, events: Sequence[Event]) -> None:
        self.attempts += 1
        if self.broken:
            raise ConnectionError("broken")
        self.published += [results.position for event in events if isinstance(results := decode_message(event.message), Entry)]


async def received_messages(live: PubSub) -> object:
    async with asyncio.timeout(1):
        async for item in live.messages():
            return item
    raise AssertionError


def test_an_announcement_carries_the_whole_entry() -> None:
    whole = replace(
        make_entry("team:1", 2**53 + 1, title="Ünïcode \u2028 😀", nested={"list": [1, 2.5, None, True]}),
        project_id=UUID(int=3),
        client_mutation_id="a-1",
        at=datetime(2026, 11, 22, 1, 2, 3, 456789, tzinfo=UTC),
    )
    assert decode_message(encode_message(whole)) == whole
    bare = replace(make_entry("user:1", 1), actor_id=None)
    assert decode_message(encode_message(bare)) == bare


async def test_what_is_announced_is_received_by_those_who_subscribed() -> None:
    async with PubSub.open(MemoryBackend()) as live:
        await live.subscribe("team:1")
        await live.announce(make_entry("team:2", 1))
        await live.announce(make_entry("team:1", 1))
        assert await received_messages(live) == make_entry("team:1", 1)


async def test_what_cannot_be_read_is_a_hint_to_look_into_the_log() -> None:
    backend = MemoryBackend()
    async with PubSub.open(backend) as live:
        await live.subscribe("team:1")
        for text in ("", "null", "[]", "{}", '{"stream": 1', encode_message(make_entry("team:2", 1)), "\ud800"):
            await backend.publish("team:1", text)
            assert await received_messages(live) == MessagesLost(stream="team:1")
        newer = encode_message(make_entry("team:1", 1)).replace("MOVED", "TELEPORTED")
        await backend.publish("team:1", newer)
        assert await received_messages(live) == MessagesLost(stream="team:1")
        assert (LOST.channel, LOST.message) == ("", "")


async def test_announcing_to_a_broken_backend_costs_nothing_and_the_newest_are_reported_later() -> None:
    backend = BrokenBackend()
    async with PubSub.open(backend) as live:
        began = time.perf_counter()
        for position in range(1, MAX_QUEUED_MESSAGES + 501):
            await live.announce(make_entry("team:1", position))
        assert time.perf_counter() - began < allowed_seconds(0.4)
        await asyncio.sleep(0.05)
        assert backend.attempts >= 1
        backend.broken = False
        await wait_until(lambda: len(backend.published) == MAX_QUEUED_MESSAGES)
    assert backend.published == list(range(501, MAX_QUEUED_MESSAGES + 501))


async def test_what_waits_for_a_broken_backend_is_bounded_in_bytes_and_the_newest_are_sent_later() -> None:
    backend = BrokenBackend()
    text = "x" * 100_000
    async with PubSub.open(backend) as pubsub:
        for position in range(1, 501):
            pubsub.publish(make_entry("team:1", position, text=text))
            assert pubsub.queued_bytes <= MAX_QUEUED_BYTES
        await asyncio.sleep(0.05)
        assert pubsub.queued_bytes <= MAX_QUEUED_BYTES
        pubsub.publish(make_entry("team:1", 501, text="y" * 2 * MAX_QUEUED_BYTES))
        backend.broken = False
        await wait_until(lambda: bool(backend.published) and backend.published[-1] == 501)
        assert pubsub.queued_bytes == 0
    assert backend.published == list(range(backend.published[0], 502))


async def test_what_still_waits_goes_out_at_the_end() -> None:
    backend = BrokenBackend()
    backend.broken = False
    async with PubSub.open(backend) as live:
        for position in range(1, 301):
            await live.announce(make_entry("team:1", position))
    assert backend.published == list(range(1, 301))


async def test_an_entry_that_has_no_json_form_does_not_stop_the_others() -> None:
    backend = BrokenBackend()
    backend.broken = False
    async with PubSub.open(backend) as live:
        await live.announce(make_entry("team:1", 1, odd=object()))
        await live.announce(make_entry("team:1", 2, huge=2**80))
        await live.announce(make_entry("team:1", 3))
    assert backend.published == [3]
