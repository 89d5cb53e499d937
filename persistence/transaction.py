"""The transaction of an operation, begun when it is first needed: many an operation needs none.

What the rules read in order to change it is *held* (FOR UPDATE), or, where a store says `look`, only *seen*: read in one trip
with others', outside of any transaction, with the mark of what wrote it. A row that was seen is kept only if it is still that:
either in the transaction, if one has begun meanwhile, or, when it is all that the operation changed, by one statement with its
events (`persistence.engine.write_batcher`). `Overtaken` ends an operation whose row was changed meanwhile; whoever runs it runs
it again, holding what it reads.

So an operation may look, decide, change one row and tell of it, in two trips instead of five. As soon as it wants anything else,
the transaction begins, and all is as it is everywhere: READ COMMITTED, what is held stays held until the commit, and what was
seen is compared when it is written. Once it has begun nothing is only seen: rows are held, in the order in which the rules ask
for them. Whoever looks at a row must change it or leave all as it is: nothing else may rest on it.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any
from uuid import UUID

import asyncpg

from persistence.engine.database import Connection, Database
from persistence.engine.rows import to_params
from persistence.engine.statement import Statement
from persistence.engine.write_batcher import PendingWrite, StaleRow
from persistence.row_updates import RowUpdate


class Transaction(Connection):
    """
    One operation's way to its rows. What it begins is kept when the stack is left, and undone when it is left by an exception.
    `holding`: every row is held, none only seen.
    """

    def __init__(self, database: Database, stack: AsyncExitStack, *, lock_rows: bool) -> None:
        super().__init__(None, database)
        self._stack = stack
        self._lock_rows = lock_rows
        self._row_versions: dict[UUID, int] = {}
        self._pending_write: tuple[RowUpdate, Any, int] | None = None
        self.on_begin: Callable[[], Awaitable[None]] | None = None
        """What is done as soon as the transaction has begun."""

    @property
    def database(self) -> Database:
        """Where it begins."""
        return self._database

    @property
    def is_deferrable(self) -> bool:
        """Whether no transaction has begun, and none need be."""
        return self.raw is None and not self._lock_rows

    @property
    def has_pending_write(self) -> bool:
        """Whether all that the operation wrote so far is one row, which can be kept by one statement."""
        return self._pending_write is not None

    async def begin(self) -> None:
        """Begin, unless that was done."""
        if self.raw is not None:
            return
        begun = await self._stack.enter_async_context(self._database.begin())
        self.raw = begun.raw
        if self.on_begin is not None:
            await self.on_begin()
        if self._pending_write is not None:
            waits, self._pending_write = self._pending_write, None
            await self._save_if_unchanged(*waits)

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

    async def read_unlocked(self, unlocked: Statement, locked: Statement, **params: Any) -> Any:
        """A row that is going to be changed, or None: seen, or held where a transaction has begun."""
        if self._lock_rows or self.raw is not None or self._pending_write is not None:
            return await self.fetch_row(locked, **params)
        row = await self._database.fetch_row(unlocked, **params)
        if row is not None:
            self._row_versions[row["id"]] = row["seen"]
        return row

    async def save(self, row_update: RowUpdate, entity: Any) -> None:
        """Keep a changed row. Raises Overtaken, now or later."""
        seen = self._row_versions.pop(entity.id, None)
        if seen is None:
            await self.execute(row_update.update, **to_params(entity))
        elif self.raw is None and self._pending_write is None:
            self._pending_write = (row_update, entity, seen)
        else:
            await self.begin()
            await self._save_if_unchanged(row_update, entity, seen)

    async def commit_pending_write(
        self, event_rows: Sequence[dict[str, Any]], *, claim: dict[str, Any] | None = None
    ) -> dict[UUID, int]:
        """Make the row that waits durable with its events, and with the claim of an idempotency key; the events' positions by
        their ids. Raises Overtaken.
        """
        assert self._pending_write is not None
        (kept, entity, seen), self._pending_write = self._pending_write, None
        row = to_params(entity) | {"seen": seen}
        given = [{**event, "row": entity.id, "nr": nr} for nr, event in enumerate(event_rows)]
        if claim is None:
            return await self._database.submit_write(PendingWrite(kept.update_batch, row, given))
        try:
            return await self._database.submit_write(
                PendingWrite(kept.update_batch_with_key, row, given, {**claim, "row": entity.id})
            )
        except asyncpg.NotNullViolationError as undone:
            raise StaleRow from undone

    async def _save_if_unchanged(self, row_update: RowUpdate, entity: Any, version: int) -> None:
        if await super().execute(row_update.update_if_unchanged, **to_params(entity), seen=version) != 1:
            raise StaleRow
