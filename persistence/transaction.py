"""Runs an operation's statements in a transaction that begins when it is first needed: many operations need none.

A row that the rules read in order to change it is *locked* (FOR UPDATE) or, where a store calls `read_unlocked`, read without a
lock: in one round trip with others', outside of any transaction, with its row version. A row that was read without a lock is
saved only if its version is still the same: either in the transaction, if one has begun by then, or, when it is all that the
operation changed, by one statement together with its events (`persistence.engine.write_batcher`). `StaleRow` ends an operation
whose row was changed in between; its caller runs it again, locking what it reads. Those of one process that are about to change
the same row take turns, so that this is rare.

A row may also be read in order to insert one under it (`insert`), as a comment on a task: then the inserted row is stored if the
one above is unchanged, by one statement or not at all.

So an operation may read, decide, change one row and record an event in two round trips instead of five. As soon as it needs
anything else, the transaction begins, and everything is as usual: READ COMMITTED, locked rows stay locked until the commit, and a
row that was read without a lock is compared when it is written. Once the transaction has begun, every row is locked when it is
read, in the order in which the rules ask for them. An operation that reads a row without a lock must change that row, insert one
under it, or change nothing: no other change may depend on it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg

from persistence.engine.database import Connection, Database
from persistence.engine.row_turns import Turn, WrittenRow, turns_of
from persistence.engine.rows import to_params
from persistence.engine.statement import Statement
from persistence.engine.write_batcher import PendingWrite, StaleRow
from persistence.events.task_counts import CountedParam
from persistence.row_inserts import WATCHERS, RowInsert
from persistence.row_updates import RowUpdate

_PLACES: Final = ("team_id", "project_id")
"""The attributes of a row on which the rights to it hang."""


class DryRun(Exception):
    """Raised inside a unit of work to end it with everything undone: a dry run."""


@dataclass(slots=True)
class _Pending:
    """A row that is all that the operation has written so far, with the row versions that it depends on."""

    write: RowUpdate | RowInsert
    entity: Any
    versions: dict[str, Any]
    more: dict[str, list[dict[str, Any]]]
    """Rows of further parameters by name."""


class Transaction(Connection):
    """The connection of one operation. What it begins is committed when the stack is left, and rolled back when that is by an
    exception.

    `lock_rows`: every row is locked when it is read.
    """

    def __init__(self, database: Database, stack: AsyncExitStack, *, lock_rows: bool) -> None:
        super().__init__(None, database)
        self._stack = stack
        self._lock_rows = lock_rows
        self._row_versions: dict[UUID, int] = {}
        self._pending_write: _Pending | None = None
        self._turn: Turn | None = None
        self._rests_on: WrittenRow | None = None
        """What the row that was read is made of, where that was not stored yet."""
        self.on_begin: Callable[[], Awaitable[None]] | None = None
        """Called as soon as the transaction has begun."""

    @property
    def database(self) -> Database:
        """The database in which the transaction begins."""
        return self._database

    @property
    def is_deferrable(self) -> bool:
        """Whether no transaction has begun, and none is needed so far."""
        return self.raw is None and not self._lock_rows

    @property
    def has_pending_write(self) -> bool:
        """Whether one row is all that the operation has written so far, so that one statement can store it."""
        return self._pending_write is not None

    def is_pending(self, row_id: UUID) -> bool:
        """Whether this row is all that the operation has written so far."""
        return self._pending_write is not None and self._pending_write.entity.id == row_id

    def at_end(self, callback: Callable[[], None]) -> None:
        """Call this when the operation ends, however it does."""
        self._stack.callback(callback)

    def on_withdrawal(self, callback: Callable[[], None]) -> None:
        """Call this when the operation has to run again, because of a row that was changed, or was a dry run."""

        def look(_: object, error: BaseException | None, __: object) -> None:
            if isinstance(error, StaleRow | DryRun):
                callback()

        self._stack.push(look)

    async def begin(self) -> None:
        """Begin the transaction, unless it has begun. Raises StaleRow where a pending row depends on another one, which is to be
        locked before anything is written."""
        if self.raw is not None:
            return
        pending = self._pending_write
        if pending is not None and (isinstance(pending.write, RowInsert) or pending.write.parent_key is not None):
            raise StaleRow
        if self._rests_on is not None and self._turn is not None:
            version, self._rests_on = await self._rests_on.version(), None  # before a connection is taken, which that may need
            if pending is not None:
                pending.versions["seen"] = version
            elif self._turn.row_id in self._row_versions:
                self._row_versions[self._turn.row_id] = version
        begun = await self._stack.enter_async_context(self._database.begin())
        self.raw = begun.raw
        if self.on_begin is not None:
            await self.on_begin()
        if pending is not None and isinstance(pending.write, RowUpdate):
            self._pending_write = None
            await self._save_if_unchanged(pending.write, pending.entity, pending.versions["seen"])

    async def fetch(self, statement: Statement, **params: Any) -> list[Any]:
        """All rows."""
        await self.begin()
        return await super().fetch(statement, **params)

    async def fetch_row(self, statement: Statement, **params: Any) -> Any:
        """The first row, or None."""
        await self.begin()
        return await super().fetch_row(statement, **params)

    async def execute(self, statement: Statement, **params: Any) -> int:
        """How many rows were written."""
        await self.begin()
        return await super().execute(statement, **params)

    async def execute_many(self, statement: Statement, rows: Sequence[Mapping[str, Any]]) -> None:
        """The same statement for many rows, in one go."""
        await self.begin()
        await super().execute_many(statement, rows)

    async def peek(self, statement: Statement, **params: Any) -> list[Any]:
        """Rows on which no write rests: read in the transaction if it has begun, else beside it, and none begins for them."""
        if self.raw is None:
            return await self._database.fetch(statement, **params)
        return await super().fetch(statement, **params)

    async def read_unlocked(
        self, unlocked: Statement, locked: Statement, *, parent: str | None = None, takes_turn: bool = True, **params: Any
    ) -> Any:
        """
        A row that is going to be changed, or under which another one is going to be inserted, or None: read without a lock, or
        locked where a transaction has begun. `parent`: the column with the id of the row in which it lies, whose version is read
        too, as `parent_seen`. `takes_turn`: it is the row `id` that is going to be changed (`persistence.engine.row_turns`).
        """
        if self._lock_rows or self.raw is not None or self._pending_write is not None:
            return await self.fetch_row(locked, **params)
        if takes_turn and self._turn is None:
            row = await self._read_in_turn(unlocked, params)
        else:
            row = await self._database.fetch_row(unlocked, **params)
        if row is not None:
            self._row_versions[row["id"]] = row["seen"]
            if parent is not None:
                self._row_versions[row[parent]] = row["parent_seen"]
        return row

    async def _read_in_turn(self, unlocked: Statement, params: Mapping[str, Any]) -> Any:
        """
        The row as the operation before has written it, as soon as it is this one's turn.

        Rights, and what else stands in it of other rows, are from the database as it was when the turn was asked for: so has them
        a statement that waits for a lock.
        """
        turn = self._turn = turns_of(self._database).ask(params["id"])
        self._stack.push_async_exit(self._require_stored)
        self._stack.callback(lambda: turn.end(is_changed=self.raw is not None))
        row = await self._database.fetch_row(unlocked, **params)
        await turn.take()
        is_elsewhere = row is not None and turn.before is not None and _is_elsewhere(row, turn.before.entity)
        if turn.before is not None and is_elsewhere:
            await asyncio.wait([turn.before.stored])
        if is_elsewhere or turn.is_outdated:
            row = await self._database.fetch_row(unlocked, **params)
        before = turn.before
        if row is None or before is None or row["version"] > before.entity.version or _is_elsewhere(row, before.entity):
            return row
        self._rests_on = before
        return dict(row.items()) | to_params(before.entity)

    async def _require_stored(self, _: object, error: BaseException | None, __: object) -> None:
        """Let the operation run again where it rests on a write that has failed: so nothing is answered, or refused, because of
        what nobody will ever see."""
        if self._rests_on is not None and (error is None or isinstance(error, Exception)):
            await self._rests_on.version()

    async def save(self, row_update: RowUpdate, entity: Any) -> None:
        """Save a changed row. Raises StaleRow, now or when the transaction begins."""
        version = self._row_versions.pop(entity.id, None)
        if version is None:
            await self.execute(row_update.update, **to_params(entity))
            return
        versions = {"seen": version}
        if row_update.parent_key is not None:
            versions["parent_seen"] = self._row_versions[getattr(entity, row_update.parent_key)]
        if self.raw is None and self._pending_write is None:
            self._pending_write = _Pending(row_update, entity, versions, {})
        elif row_update.parent_key is not None:
            raise StaleRow
        else:
            await self.begin()
            await self._save_if_unchanged(row_update, entity, version)

    async def insert(self, row_insert: RowInsert, entity: Any, parent_id: UUID) -> datetime | None:
        """Insert a row under another one: when it counts as created; None when its id is taken. Raises StaleRow, now or when the
        transaction begins."""
        version = self._row_versions.pop(parent_id, None)
        if version is None:
            created_at: datetime | None = await self.fetch_value(row_insert.insert, **to_params(entity))
            return created_at
        if self.raw is not None or self._pending_write is not None:
            raise StaleRow
        versions = {"parent": parent_id, "parent_seen": version}
        self._pending_write = _Pending(row_insert, entity, versions, {WATCHERS: []})
        at: datetime = entity.created_at
        return at

    def add_to_pending(self, name: str, rows: Sequence[dict[str, Any]]) -> bool:
        """Let the statement that stores the pending row store these rows of a parameter too; False where it does not."""
        pending = self._pending_write
        if pending is None or name not in pending.more:
            return False
        pending.more[name] += [{**row, "row": pending.entity.id} for row in rows]
        return True

    async def commit_pending_write(
        self,
        event_rows: Sequence[dict[str, Any]],
        counted: Sequence[CountedParam] = (),
        *,
        claim: dict[str, Any] | None = None,
        index: dict[str, list[dict[str, Any]]] | None = None,
    ) -> Mapping[UUID, int]:
        """Store the pending row with its events, with the claim of an idempotency key, and with what it changes of the search
        `index` (`persistence.search.index_writes.to_params`); the events' positions by their ids.

        `counted`: for each event the numbers of tasks that it moves, if any.

        Raises StaleRow.
        """
        assert self._pending_write is not None
        pending, self._pending_write = self._pending_write, None
        entity = pending.entity
        row = to_params(entity) | pending.versions
        events = [{**event, "row": entity.id, "nr": nr} for nr, event in enumerate(event_rows)]
        if any(counted):
            events = [{**event, "counted": own} for event, own in zip(events, counted, strict=True)]
        statement = pending.write.batch(with_keys=claim is not None, with_entries=index is not None)
        claim = None if claim is None else {**claim, "row": entity.id}
        own_turn = self._turn if self._turn is not None and self._turn.row_id == entity.id else None
        after, self._rests_on = (self._rests_on, None) if own_turn is not None else (None, self._rests_on)
        more = pending.more | (index or {})
        write = PendingWrite(statement, row, events, claim, more, after=None if after is None else after.stored)
        submitted = self._database.submit_write(write)
        if own_turn is not None:
            own_turn.hand_over(WrittenRow(entity, submitted))
        try:
            return (await self._database.stored(submitted)).positions
        except (asyncpg.NotNullViolationError, asyncpg.UniqueViolationError) as error:
            raise StaleRow from error  # its key was claimed by nobody else, but it was overtaken; or its rank is taken

    async def _save_if_unchanged(self, row_update: RowUpdate, entity: Any, version: int) -> None:
        if await super().execute(row_update.update_if_unchanged, **to_params(entity), seen=version) != 1:
            raise StaleRow


def _is_elsewhere(row: Any, entity: Any) -> bool:
    """Whether a row was read in another place than it was written to, so that other rights hold there."""
    return any(row.get(name) != getattr(entity, name, None) for name in _PLACES)
