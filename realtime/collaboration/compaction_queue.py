"""Letting documents rest that nobody edits any more: a version is saved when it is time for one, and the log shortened behind
it."""

import asyncio
import logging
from typing import Final

from domain.errors import DomainError
from realtime.collaboration.room import Room
from realtime.collaboration.snapshots import SnapshotStore

logger = logging.getLogger(__name__)

MAX_CONCURRENT_COMPACTIONS: Final = 4


class CompactionQueue:
    """Settles a few rooms at a time."""

    def __init__(self, snapshots: SnapshotStore) -> None:
        self._snapshots = snapshots
        self._semaphore = asyncio.Semaphore(MAX_CONCURRENT_COMPACTIONS)

    async def compact(self, room: Room) -> None:
        """Settle one; what fails is tried again when the room is next found quiet."""
        async with self._semaphore:
            try:
                await self._snapshots.compact(room.document_id)
            except DomainError as error:
                logger.warning("The document %s could not be settled: %s", room.document_id, error.message)
                room.edited_at = room.edited_at or asyncio.get_running_loop().time()
