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

from persistence.engine.database import Connection, Database, Statement
from persistence.engine.rows import values
from persistence.engine.write_batcher import Overtaken, Write
from persistence.row_updates import Kept


class Transaction(Connection):
    """
    One operation's way to its rows. What it begins is kept when the stack is left, and undone when it is left by an exception.
    `holding`: every row is held, none only seen.
    """

    def __init__(self, database: Database, stack: AsyncExitStack, *, holding: bool) -> None:
        super().__init__(None, database)
        self._stack = stack
        self._holding = holding
        self._seen: dict[UUID, int] = {}
        self._waits: tuple[Kept, Any, int] | None = None
        self.first: Callable[[], Awaitable[None]] | None = None
        """What is done as soon as the transaction has begun."""

    @property
    def database(self) -> Database:
        """Where it begins."""
        return self._database

    @property
    def may_wait(self) -> bool:
        """Whether no transaction has begun, and none need be."""
        return self.raw is None and not self._holding

    @property
    def waits(self) -> bool:
        """Whether all that the operation wrote so far is one row, which can be kept by one statement."""
        return self._waits is not None

    async def begin(self) -> None:
        """Begin, unless that was done."""
        if self.raw is not None:
            return
        begun = await self._stack.enter_async_context(self._database.begin())
        self.raw = begun.raw
        if self.first is not None:
            await self.first()
        if self._waits is not None:
            waits, self._waits = self._waits, None
            await self._save_seen(*waits)

    async def fetch(self, statement: Statement, **given: Any) -> list[Any]:
        """All rows."""
        await self.begin()
        return await super().fetch(statement, **given)

    async def fetch_row(self, statement: Statement, **given: Any) -> Any:
        """The first row, or None."""
        await self.begin()
        return await super().fetch_row(statement, **given)

    async def execute(self, statement: Statement, **given: Any) -> int:
        """How many rows were written."""
        await self.begin()
        return await super().execute(statement, **given)

    async def execute_many(self, statement: Statement, rows: Sequence[Mapping[str, Any]]) -> None:
        """The same statement for many rows, in one go."""
        await self.begin()
        await super().execute_many(statement, rows)

    async def look(self, seeing: Statement, holding: Statement, **given: Any) -> Any:
        """A row that is going to be changed, or None: seen, or held where a transaction has begun."""
        if self._holding or self.raw is not None or self._waits is not None:
            return await self.fetch_row(holding, **given)
        row = await self._database.fetch_row(seeing, **given)
        if row is not None:
            self._seen[row["id"]] = row["seen"]
        return row

    async def save(self, kept: Kept, entity: Any) -> None:
        """Keep a changed row. Raises Overtaken, now or later."""
        seen = self._seen.pop(entity.id, None)
        if seen is None:
            await self.execute(kept.whatever, **values(entity))
        elif self.raw is None and self._waits is None:
            self._waits = (kept, entity, seen)
        else:
            await self.begin()
            await self._save_seen(kept, entity, seen)

    async def keep(self, told: Sequence[dict[str, Any]], *, claim: dict[str, Any] | None = None) -> dict[UUID, int]:
        """Make the row that waits durable with its events, and with the claim of an idempotency key; the events' positions by
        their ids. Raises Overtaken.
        """
        assert self._waits is not None
        (kept, entity, seen), self._waits = self._waits, None
        row = values(entity) | {"seen": seen}
        given = [{**event, "row": entity.id, "nr": nr} for nr, event in enumerate(told)]
        if claim is None:
            return await self._database.keep(Write(kept.together, row, given))
        try:
            return await self._database.keep(Write(kept.claiming, row, given, {**claim, "row": entity.id}))
        except asyncpg.NotNullViolationError as undone:
            raise Overtaken from undone

    async def _save_seen(self, kept: Kept, entity: Any, seen: int) -> None:
        if await super().execute(kept.unless_written, **values(entity), seen=seen) != 1:
            raise Overtaken
