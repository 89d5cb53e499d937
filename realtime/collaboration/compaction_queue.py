"""Letting documents rest that nobody edits any more: a version is saved when it is time for one, and the log shortened behind
it."""

import asyncio
from typing import Final

from realtime.collaboration.room import Room
from realtime.collaboration.snapshots import Compactor

MAX_CONCURRENT_COMPACTIONS: Final = 4


class CompactionQueue:
    """Settles a few rooms at a time."""

    def __init__(self, compactor: Compactor) -> None:
        self._compactor = compactor
        self._semaphore = asyncio.Semaphore(MAX_CONCURRENT_COMPACTIONS)

    async def compact(self, room: Room) -> None:
        """Settle one; what fails is tried again when the room is next found quiet."""
        async with self._semaphore:
            await self._compactor.try_compact(room.document_id)
