"""Surroundings of the hub in tests: a log in memory, and a pub/sub backend that loses, repeats and reorders messages."""

import asyncio
import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from broadcaster._base import Event

from domain.errors import CursorExpired
from domain.events import ChangeKind, Entry
from realtime.announcements import LOST, PubSub
from realtime.hub import HubTimings
from realtime.listener import StreamListener
from realtime.memory_backend import MemoryBackend

FAST_TIMINGS = HubTimings(
    check_seconds=0.2, check_disconnected_seconds=0.1, gap_grace_seconds=0.002, close_after_seconds=0.2, read_timeout_seconds=1.0
)
IDLE_TIMINGS = HubTimings(
    check_seconds=3600.0,
    check_disconnected_seconds=3600.0,
    gap_grace_seconds=0.002,
    close_after_seconds=0.2,
    read_timeout_seconds=1.0,
)


def make_entry(stream: str, position: int, **payload: Any) -> Entry:
    """An entry that differs from every other."""
    return Entry(
        stream=stream,
        position=position,
        id=UUID(int=position),
        type="TaskMoved",
        version=1,
        kind=ChangeKind.MOVED,
        entity_type="Task",
        entity_id=UUID(int=7),
        about_type="Task",
        about_id=UUID(int=7),
        project_id=None,
        payload=payload,
        actor_id=UUID(int=9),
        client_mutation_id=None,
        at=datetime(2026, 11, 22, tzinfo=UTC),
    )


class MemoryLog:
    """A log in memory, which counts what it is asked, may be away, and may have been trimmed."""

    def __init__(self) -> None:
        self.entries: dict[str, list[Entry]] = defaultdict(list)
        self.read_count = 0
        self.heads_count = 0
        self.is_unavailable = False
        self.trimmed_to = 0

    def append(self, stream: str, **payload: Any) -> Entry:
        """Commit one more entry, without a word to anybody."""
        written = make_entry(stream, len(self.entries[stream]) + 1, **payload)
        self.entries[stream].append(written)
        return written

    async def read(self, stream: str, after: int, limit: int) -> Sequence[Entry]:
        self.read_count += 1
        await self._respond()
        if after < self.trimmed_to:
            raise CursorExpired
        return self.entries[stream][after : after + limit]

    async def heads(self, streams: Sequence[str]) -> Mapping[str, int]:
        self.heads_count += 1
        await self._respond()
        return {stream: len(self.entries[stream]) for stream in streams if self.entries[stream]}

    async def _respond(self) -> None:
        await asyncio.sleep(0.001)
        if self.is_unavailable:
            raise ConnectionError("the database is away")


class UnreliableBackend(MemoryBackend):
    """Loses, doubles and shuffles messages, as far as `chance` of each says, and sometimes says that it did."""

    def __init__(self, seed: int, *, fault_probability: float = 0.3) -> None:
        super().__init__()
        self._random = random.Random(seed)
        self.fault_probability = fault_probability

    async def publish_many(self, events: Sequence[Event]) -> None:
        events = list(events)
        if self._random.random() < self.fault_probability:
            self._random.shuffle(events)
        for event in events:
            if self._random.random() < self.fault_probability:
                continue
            await self.publish(event.channel, event.message)
            if self._random.random() < self.fault_probability:
                await self.publish(event.channel, event.message)

    async def next_published(self) -> Event:
        return LOST if self._random.random() < self.fault_probability / 30 else await super().next_published()


class SilentBackend(MemoryBackend):
    """Loses everything, and does not say so."""

    async def publish_many(self, events: Sequence[Event]) -> None:
        pass


async def append_and_announce(log: MemoryLog, pubsub: PubSub, stream: str, count: int = 1) -> None:
    """Commit entries and announce them."""
    for _ in range(count):
        await pubsub.announce(log.append(stream))


async def next_entries(listener: StreamListener, count: int) -> list[tuple[str, int]]:
    """Stream and position of the next entries."""
    async with asyncio.timeout(30):
        return [(each.stream, each.position) for each in [await anext(listener) for _ in range(count)]]


async def receives_nothing(listener: StreamListener, seconds: float = 0.03) -> bool:
    """Whether nothing at all arrives within that time."""
    try:
        await asyncio.wait_for(anext(listener), seconds)
    except TimeoutError:
        return True
    return False


async def wait_until(condition: Any) -> None:
    """Wait for a condition."""
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.002)
