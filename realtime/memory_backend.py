"""Carries announcements within one process, for the embedded server.

Rejected: broadcaster's `MemoryBackend`, whose queue has no bound. Here what exceeds the bound is dropped, and the reader gets
`LOST`.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Any, Final

from broadcaster._base import Event

from realtime.announcements import LOST, PubSubBackend

MAX_QUEUED_EVENTS: Final = 4_096
MAX_QUEUED_BYTES: Final = 32 * 1024 * 1024


class MemoryBackend(PubSubBackend):
    """One bounded queue of the messages that were published on subscribed channels."""

    def __init__(self) -> None:
        self._channels: set[str] = set()
        self._queue: deque[Event] = deque()
        self.queued_bytes = 0
        self._overflowed = False
        self._has_events = asyncio.Event()

    @property
    def connected(self) -> bool:
        return True

    @property
    def is_single_process(self) -> bool:
        return True

    def may_be_received(self, channel: str) -> bool:
        return channel in self._channels

    async def connect(self) -> None:
        """Nothing to connect to."""

    async def disconnect(self) -> None:
        self._channels.clear()
        self._queue.clear()
        self.queued_bytes = 0

    async def subscribe(self, group: str) -> None:
        self._channels.add(group)

    async def unsubscribe(self, group: str) -> None:
        self._channels.discard(group)

    async def publish(self, channel: str, message: Any) -> None:
        if channel not in self._channels:
            return
        if len(self._queue) < MAX_QUEUED_EVENTS and self.queued_bytes < MAX_QUEUED_BYTES:
            self._queue.append(Event(channel, message))
            self.queued_bytes += len(message)
        else:
            self._overflowed = True
        self._has_events.set()

    async def publish_many(self, events: Sequence[Event]) -> None:
        for event in events:
            await self.publish(event.channel, event.message)

    async def next_published(self) -> Event:
        while True:
            if self._queue:
                event = self._queue.popleft()
                self.queued_bytes -= len(event.message)
                return event
            if self._overflowed:
                self._overflowed = False
                return LOST
            self._has_events.clear()
            await self._has_events.wait()
