"""Sweeps over all rooms: removes silent clients, compacts documents that nobody edits any more or
that have many unsaved edits, and closes empty rooms."""

import asyncio
import logging
from typing import Final
from uuid import UUID

from domain.document.version import MAX_UNSAVED_UPDATES
from realtime.background_tasks import BackgroundTasks
from realtime.backoff import jitter
from realtime.collaboration.membership import Membership
from realtime.collaboration.registry import RoomRegistry
from realtime.collaboration.room import Room
from realtime.collaboration.snapshots import Compactor
from realtime.collaboration.timings import RoomTimings

logger = logging.getLogger(__name__)

MAX_CONCURRENT_COMPACTIONS: Final = 4


class RoomSweeper:
    """What is done from time to time with all rooms; a room that fails is logged, and does not stop the others."""

    def __init__(
        self,
        registry: RoomRegistry,
        membership: Membership,
        compactor: Compactor,
        tasks: BackgroundTasks,
        timings: RoomTimings,
    ) -> None:
        self._registry = registry
        self._membership = membership
        self._compactor = compactor
        self._tasks = tasks
        self._timings = timings
        self._compactions = asyncio.Semaphore(MAX_CONCURRENT_COMPACTIONS)
        self._compacting: set[UUID] = set()

    async def run(self) -> None:
        """Sweep for ever."""
        while True:
            await asyncio.sleep(self._timings.sweep_interval_seconds)
            now = asyncio.get_running_loop().time()
            for room in list(self._registry.rooms.values()):
                try:
                    self._sweep(room, now)
                except Exception:  # one broken room must not stop the others
                    logger.exception("Room %s could not be swept.", room.document_id)

    async def check_rights(self) -> None:
        """Compare the streams that announce changes of rights with the log, for ever."""
        while True:
            await asyncio.sleep(jitter(self._timings.rights_check_seconds))
            try:
                await self._membership.check_streams(list(self._registry.rooms.values()))
            except Exception as error:  # whatever a database can raise: the next check may succeed
                logger.warning("Rights cannot be checked now.", exc_info=error)
                await asyncio.sleep(self._timings.retry_seconds)

    def _sweep(self, room: Room, now: float) -> None:
        room.changed_awareness.add(room.awareness.expire(now))
        is_empty = not room.participants and not room.reference_count
        is_quiet = room.edited_at is not None and (is_empty or room.edited_at < now - self._timings.compact_after_seconds)
        is_due = is_quiet or room.position - room.compacted_to >= MAX_UNSAVED_UPDATES
        if is_due and room.document_id not in self._compacting:
            self._compacting.add(room.document_id)
            room.edited_at, room.compacted_to = None, room.position
            self._tasks.start(self._compact(room), f"room {room.document_id}: compact")
        elif is_empty and not room.is_busy and room.idle_since < now - self._timings.close_after_seconds:
            self._registry.close_room(room)

    async def _compact(self, room: Room) -> None:
        try:
            async with self._compactions:
                await self._compactor.try_compact(room.document_id)
        finally:
            self._compacting.discard(room.document_id)
