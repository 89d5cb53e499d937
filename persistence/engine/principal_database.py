"""Gives a database as one principal sees it: every statement outside of a transaction is narrowed by Postgres."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from persistence.engine.database import Connection, Database
from persistence.engine.statement import Statement
from persistence.engine.write_batcher import PendingWrite, StoredWrite


def as_seen_by(database: Database, user_id: UUID | None) -> Database:
    """A database as one principal sees it, None for a stranger, who sees nothing; the whole of it where it has no policies."""
    return PrincipalDatabase(database.whole, user_id) if database.has_policies else database


class PrincipalDatabase(Database):
    """A database as one principal sees it.

    Statements outside of transactions are narrowed, also those that read the row that an operation is about to change.
    Transactions are not: what they touch is decided by the rules of the domain on rows that were read in them.
    """

    def __init__(self, whole: Database, user_id: UUID | None) -> None:
        self._whole = whole
        self._principal = "" if user_id is None else str(user_id)

    @property
    def whole(self) -> Database:
        """The database without a principal."""
        return self._whole

    @property
    def has_policies(self) -> bool:
        """Whether it can be asked as a principal."""
        return True

    @property
    def statements_run(self) -> int:
        """How many statements were run, by anybody."""
        return self._whole.statements_run

    @statements_run.setter
    def statements_run(self, count: int) -> None:
        self._whole.statements_run = count

    async def fetch(self, statement: Statement, **params: Any) -> list[Any]:
        """All rows of a single statement that the principal may see. The statement only reads."""
        return await self._whole.fetch_as(self._principal, statement, params)

    def submit_write(self, write: PendingWrite) -> "asyncio.Future[StoredWrite]":
        """As `Database.submit_write`."""
        return self._whole.submit_write(write)

    async def stored(self, submitted: "asyncio.Future[StoredWrite]") -> StoredWrite:
        """As `Database.stored`."""
        return await self._whole.stored(submitted)

    @asynccontextmanager
    async def begin(self, *, snapshot: bool = False) -> AsyncIterator[Connection]:
        """As `Database.begin`."""
        async with self._whole.begin(snapshot=snapshot) as connection:
            yield connection
