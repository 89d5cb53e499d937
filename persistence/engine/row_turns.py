"""Lets the operations of one process that are about to change the same row take turns, each from what the one before wrote.

Each reads the row without a lock, and of those that have read the same version one is stored; the others would begin again, in
transactions that lock (`persistence.transaction`). So whoever is going to change a row waits for the one before, but only until
it has decided: as soon as it has *submitted* its write, the next one goes on from the row as it was written, which is not stored
yet, and both are stored by one statement, or one after the other (`persistence.engine.write_batcher`). So many changes of one row
share a wait for the disk, as changes of many rows do. Where a write fails, those that rest on it are refused as stale, and their
operations run again.

    ask() ──> take() ──> decide ──> hand_over(entity, stored) ──> … stored ──> end()
                                        └──> the next one's take() ──> decide ──> …

Operations of other processes are told apart by the row's version, as before. Whoever has a turn waits for no other turn, so
nobody waits in a circle.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID
from weakref import WeakKeyDictionary

from persistence.engine.database import Database
from persistence.engine.write_batcher import StaleRow, StoredWrite

_MAX_WAIT_SECONDS: Final = 2.0
"""As for a lock in Postgres. After that a row is read all the same."""


@dataclass(frozen=True, slots=True, eq=False)
class WrittenRow:
    """A row as an operation has written it; it is stored once `stored` says so."""

    entity: Any
    stored: "asyncio.Future[StoredWrite]"

    @property
    def has_failed(self) -> bool:
        """Whether it is known not to be stored, or not known any more."""
        return self.stored.done() and (self.stored.cancelled() or self.stored.exception() is not None)

    async def version(self) -> int:
        """The version of the row, once it is stored. Raises StaleRow."""
        if not self.stored.done():
            await asyncio.wait([self.stored])
        if self.has_failed:
            raise StaleRow
        return self.stored.result().version


@dataclass(slots=True, eq=False)
class _Row:
    """A row that somebody is about to change."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0
    """How many have, await, or have had a turn, and have not ended."""
    written: WrittenRow | None = None
    """What was submitted last."""
    unknown_changes: int = 0
    """How often a turn has ended that may have changed the row otherwise."""


class Turn:
    """The turn of one operation at one row."""

    def __init__(self, row_id: UUID, row: _Row, leave: Callable[[], None]) -> None:
        self.row_id = row_id
        self._row = row
        self._leave = leave
        self._has_lock = False
        self._has_ended = False
        self._unknown_changes = row.unknown_changes

    @property
    def is_outdated(self) -> bool:
        """Whether the row may have been changed otherwise since the turn was asked for."""
        return self._unknown_changes != self._row.unknown_changes

    async def take(self) -> None:
        """Wait for the turn, but not for ever."""
        lock = self._row.lock
        if not lock.locked():
            await lock.acquire()  # at once
        else:
            try:
                async with asyncio.timeout(_MAX_WAIT_SECONDS):
                    await lock.acquire()
            except TimeoutError:
                return
        self._has_lock = True

    @property
    def before(self) -> WrittenRow | None:
        """What the operation before has written, unless that has failed; None without a turn."""
        written = self._row.written
        return written if self._has_lock and written is not None and not written.has_failed else None

    def hand_over(self, written: WrittenRow) -> None:
        """Let the next operation go on from what was written."""
        if self._has_lock:
            self._row.written = written
            self._release()

    def end(self, *, is_changed: bool) -> None:
        """End the turn, in any case. `is_changed`: the row may be another one than what was handed over, or what there was
        before."""
        if self._has_ended:
            return
        self._has_ended = True
        if is_changed:
            self._row.written = None
            self._row.unknown_changes += 1
        self._release()
        self._leave()

    def _release(self) -> None:
        if self._has_lock:
            self._has_lock = False
            self._row.lock.release()


class RowTurns:
    """The turns at the rows of one database."""

    def __init__(self) -> None:
        self._rows: dict[UUID, _Row] = {}

    def ask(self, row_id: UUID) -> Turn:
        """Ask for a turn at a row; it must be ended, whether or not it was taken."""
        row = self._rows.get(row_id)
        if row is None:
            row = self._rows[row_id] = _Row()
        row.users += 1

        def leave() -> None:
            row.users -= 1
            if not row.users:
                del self._rows[row_id]

        return Turn(row_id, row, leave)


_by_database: WeakKeyDictionary[Database, RowTurns] = WeakKeyDictionary()


def turns_of(database: Database) -> RowTurns:
    """The turns at the rows of a database."""
    database = database.whole
    found = _by_database.get(database)
    if found is None:
        found = _by_database[database] = RowTurns()
    return found
