"""Lets the operations of one process that are about to change the same row take turns.

Each reads the row without a lock, and of those that have read the same version one is stored; the others would begin again, in
transactions that lock (`persistence.transaction`). So whoever is going to change a row waits, before the row is read, until the
one before is done with it. Operations of other processes are told apart by the row's version, as before.

Whoever has a turn waits for no other turn, so nobody waits in a circle.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Final
from uuid import UUID
from weakref import WeakKeyDictionary

from persistence.engine.database import Database

_MAX_WAIT_SECONDS: Final = 2.0
"""As for a lock in Postgres. After that a row is read all the same."""


class RowTurns:
    """The turns at the rows of one database."""

    def __init__(self) -> None:
        self._locks: dict[UUID, tuple[asyncio.Lock, int]] = {}
        """For each row that somebody is about to change its lock, and how many have or await it."""

    async def take(self, row_id: UUID) -> Callable[[], None]:
        """Wait for a turn; what ends it, and must be called."""
        lock, users = self._locks.get(row_id) or (asyncio.Lock(), 0)
        self._locks[row_id] = lock, users + 1
        try:
            if not lock.locked():
                await lock.acquire()  # at once
            else:
                async with asyncio.timeout(_MAX_WAIT_SECONDS):
                    await lock.acquire()
        except TimeoutError:
            return partial(self._leave, row_id)
        except BaseException:
            self._leave(row_id)
            raise
        return partial(self._leave, row_id, lock)

    def _leave(self, row_id: UUID, taken: asyncio.Lock | None = None) -> None:
        if taken is not None:
            taken.release()
        lock, users = self._locks.pop(row_id)
        if users > 1:
            self._locks[row_id] = lock, users - 1


_by_database: WeakKeyDictionary[Database, RowTurns] = WeakKeyDictionary()


def turns_of(database: Database) -> RowTurns:
    """The turns at the rows of a database."""
    database = database.whole
    found = _by_database.get(database)
    if found is None:
        found = _by_database[database] = RowTurns()
    return found
