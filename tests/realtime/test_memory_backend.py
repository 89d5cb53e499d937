"""Within one process: subscribed channels only, in order, bounded."""

import asyncio
from dataclasses import replace

from broadcaster._base import Event

from realtime.announcements import LOST, EphemeralMessage, PubSub, encode_message
from realtime.memory_backend import MAX_QUEUED_BYTES, MAX_QUEUED_EVENTS, MemoryBackend


async def test_only_subscribed_channels_are_received_and_in_order() -> None:
    backend = MemoryBackend()
    await backend.connect()
    await backend.subscribe("a")
    await backend.subscribe("b")
    await backend.publish_many([Event("a", "1"), Event("c", "2"), Event("b", "3"), Event("a", "4")])
    await backend.unsubscribe("a")
    await backend.publish("a", "5")
    await backend.publish("b", "6")
    assert [await backend.next_published() for _ in range(4)] == [
        Event("a", "1"),
        Event("b", "3"),
        Event("a", "4"),
        Event("b", "6"),
    ]
    await backend.disconnect()


async def test_who_waits_is_woken() -> None:
    backend = MemoryBackend()
    await backend.subscribe("a")
    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(backend.next_published())
        await asyncio.sleep(0)
        await backend.publish("a", "1")
    assert waiting.result() == Event("a", "1")


async def test_more_than_the_bound_is_dropped_and_said_to_be_lost() -> None:
    backend = MemoryBackend()
    await backend.subscribe("a")
    for number in range(MAX_QUEUED_EVENTS + 10):
        await backend.publish("a", str(number))
    for number in range(MAX_QUEUED_EVENTS):
        assert await backend.next_published() == Event("a", str(number))
    assert await backend.next_published() is LOST
    await backend.publish("a", "next")
    assert await backend.next_published() == Event("a", "next")


async def test_large_messages_are_bounded_in_bytes() -> None:
    backend = MemoryBackend()
    await backend.subscribe("a")
    text = "x" * 1_000_000
    for _ in range(200):
        await backend.publish("a", text)
    assert backend.queued_bytes <= MAX_QUEUED_BYTES + len(text)
    received = 0
    while await backend.next_published() is not LOST:
        received += 1
    assert (received, backend.queued_bytes) == (MAX_QUEUED_BYTES // len(text) + 1, 0)


async def test_what_nobody_subscribes_to_is_not_even_encoded() -> None:
    async with PubSub.open(MemoryBackend()) as pubsub:
        await pubsub.subscribe("a")
        message = EphemeralMessage(stream="a", sender_id="s", payload={"x": 1})
        for each in (message, replace(message, stream="b"), message):
            pubsub.publish(each)
        assert pubsub.queued_bytes == 2 * len(encode_message(message))
