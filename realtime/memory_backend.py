"""Announcements within one process, for the embedded server.

Rejected: broadcaster's `MemoryBackend`, whose queue has no bound. Here what exceeds the bound is dropped, and the
reader is told.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Any, Final

from broadcaster._base import Event

from realtime.announcements import LOST, LiveBackend

WAITING: Final = 4_096


class MemoryBackend(LiveBackend):
    """One bounded queue of what was published on subscribed channels."""

    def __init__(self) -> None:
        self._channels: set[str] = set()
        self._waiting: deque[Event] = deque()
        self._overflowed = False
        self._something = asyncio.Event()

    @property
    def connected(self) -> bool:
        return True

    @property
    def alone(self) -> bool:
        return True

    async def connect(self) -> None:
        """There is nothing to connect to."""

    async def disconnect(self) -> None:
        self._channels.clear()
        self._waiting.clear()

    async def subscribe(self, group: str) -> None:
        self._channels.add(group)

    async def unsubscribe(self, group: str) -> None:
        self._channels.discard(group)

    async def publish(self, channel: str, message: Any) -> None:
        if channel not in self._channels:
            return
        if len(self._waiting) < WAITING:
            self._waiting.append(Event(channel, message))
        else:
            self._overflowed = True
        self._something.set()

    async def publish_many(self, events: Sequence[Event]) -> None:
        for event in events:
            await self.publish(event.channel, event.message)

    async def next_published(self) -> Event:
        while True:
            if self._waiting:
                return self._waiting.popleft()
            if self._overflowed:
                self._overflowed = False
                return LOST
            self._something.clear()
            await self._something.wait()
