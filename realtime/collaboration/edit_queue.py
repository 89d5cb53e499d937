"""The edits of one room on their way to the log: those that wait, and those that are being committed; bounded in count and
bytes."""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Final

from domain.document.update import Update
from realtime.collaboration.commit import PendingUpdate

MAX_PENDING_UPDATES: Final = 4_096
MAX_PENDING_BYTES: Final = 8 * 1024 * 1024


class EditQueue:
    """A queue of edits; `wait_for_capacity` before adding to it."""

    def __init__(self) -> None:
        self._pending: deque[PendingUpdate] = deque()
        self._in_flight: list[PendingUpdate] = []
        self._pending_bytes = 0
        self._has_capacity = asyncio.Event()
        self._has_capacity.set()

    @property
    def has_pending(self) -> bool:
        """Whether edits wait to be drained."""
        return bool(self._pending)

    @property
    def is_empty(self) -> bool:
        """Whether no edit is on its way."""
        return not self._pending and not self._in_flight

    def updates(self) -> list[bytes]:
        """The updates on their way, in order."""
        return [each.update.data for each in (*self._in_flight, *self._pending) if each.update]

    @property
    def has_capacity(self) -> bool:
        """Whether little enough is pending."""
        return self._has_capacity.is_set()

    async def wait_for_capacity(self) -> None:
        """Wait while too much is pending."""
        await self._has_capacity.wait()

    def add(self, item: PendingUpdate, size: int) -> None:
        """Queue an edit of so many bytes."""
        self._pending.append(item)
        self._pending_bytes += size
        if len(self._pending) >= MAX_PENDING_UPDATES or self._pending_bytes >= MAX_PENDING_BYTES:
            self._has_capacity.clear()

    def drain(self, max_updates: int, max_bytes: int) -> Sequence[Update]:
        """The next edits: at most so many, and of no more bytes once there is one; they are in flight until `take_in_flight`."""
        updates: list[Update] = []
        while self._pending and len(updates) < max_updates and max_bytes > 0:
            item = self._pending.popleft()
            self._in_flight.append(item)
            if item.update is None:
                continue
            max_bytes -= len(item.update.data)
            self._pending_bytes -= len(item.update.data)
            updates.append(item.update)
        self._signal_capacity()
        return updates

    def take_in_flight(self) -> list[PendingUpdate]:
        """The edits that were drained; they are on their way no longer."""
        items, self._in_flight = self._in_flight, []
        return items

    def take_pending(self) -> Sequence[PendingUpdate]:
        """The edits that wait; they are on their way no longer."""
        items, self._pending = self._pending, deque()
        self._signal_capacity()
        return items

    def _signal_capacity(self) -> None:
        if not self._pending:
            self._pending_bytes = 0
        if len(self._pending) < MAX_PENDING_UPDATES // 2 and self._pending_bytes < MAX_PENDING_BYTES // 2:
            self._has_capacity.set()
