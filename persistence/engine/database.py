"""Running SQL: SQLAlchemy writes it, asyncpg runs it.

A `Statement` is compiled once to text and parameter order and runs as a prepared statement. On the same 50-row page asyncpg
serves 2.7 times what SQLAlchemy's engine does over the same driver, and 7 times its ORM, and the statements are still SQLAlchemy
expressions that a type checker and a migration test see.

A prepared statement is planned once per connection (`plan_cache_mode`): planning the rights of a single task anew costs more than
running it. In one trial 2.2 times the requests of that kind were served without, and 1.2 times those of a board. Every statement
is bounded by keys or by a page, so no plan hangs on one value. Plans reckon with pages that are in memory or on flash
(`random_page_cost`): with Postgres' own figure, which is that of turning disks, the members of one team were found by reading all
users.

Timeouts: connecting 3 s, waiting for a connection 2 s, a statement 5 s, a lock 2 s. What they and a lost server raise becomes
`Unavailable`; U+0000, which no text in Postgres can hold, `BadUserInput`; all else is a bug and stays what it is.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import cached_property
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import ClauseElement
from sqlalchemy.dialects.postgresql import asyncpg as dialect
from sqlalchemy.sql.compiler import SQLCompiler

from domain.errors import BadUserInput, DomainError, Unavailable
from persistence.engine import codecs
from persistence.engine.connection_pool import Leases
from persistence.engine.read_batcher import Joined, Together, joined
from persistence.engine.write_batcher import Overtaken, Write, Writes

DIALECT = dialect.dialect(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]
CONNECT_TIMEOUT, ACQUIRE_TIMEOUT, STATEMENT_TIMEOUT, LOCK_TIMEOUT, CLOSE_TIMEOUT = 3.0, 2.0, 5.0, 2.0, 5.0
logger = logging.getLogger(__name__)
_LOST = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.TooManyConnectionsError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.QueryCanceledError,
    asyncpg.LockNotAvailableError,
)
_UNTOLD = (asyncpg.CharacterNotInRepertoireError, asyncpg.UntranslatableCharacterError)  # U+0000, as text and in JSON
_TOLD = (*_LOST, *_UNTOLD)
_REFUSED = (asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InvalidCatalogNameError)


class Statement:
    """One SQL statement, compiled when it is first run.

    `row` is the class of the rows it gives (see `persistence.engine.rows.row_class`). Parameters are the names of its
    `bindparam`s; values that the expression carries itself are kept.
    """

    def __init__(self, expression: ClauseElement, row: type[asyncpg.Record] | None = None) -> None:
        self.expression = expression
        self.row = row

    @cached_property
    def _compiled(self) -> tuple[str, tuple[tuple[str, Any], ...]]:
        compiled = self.expression.compile(dialect=DIALECT)
        assert isinstance(compiled, SQLCompiler)
        return str(compiled), tuple((name, compiled.params[name]) for name in compiled.positiontup or ())

    @property
    def text(self) -> str:
        """The SQL, with $1 … $n."""
        return self._compiled[0]

    @cached_property
    def joined(self) -> Joined | None:
        """The SQL for many runs at once, of a statement that only reads."""
        return joined(self.text)

    def arguments(self, given: Mapping[str, Any]) -> list[Any]:
        """The values of $1 … $n."""
        return [given.get(name, own) for name, own in self._compiled[1]]


class Connection:
    """One connection inside a transaction."""

    def __init__(self, raw: Any, database: "Database") -> None:
        self.raw = raw
        self._database = database

    async def fetch(self, statement: Statement, **given: Any) -> list[Any]:
        """All rows."""
        self._database.statements_run += 1
        rows: list[Any] = await self.raw.fetch(statement.text, *statement.arguments(given), record_class=statement.row)
        return rows

    async def fetch_row(self, statement: Statement, **given: Any) -> Any:
        """The first row, or None."""
        self._database.statements_run += 1
        return await self.raw.fetchrow(statement.text, *statement.arguments(given), record_class=statement.row)

    async def fetch_value(self, statement: Statement, **given: Any) -> Any:
        """The first column of the first row, or None."""
        row = await self.fetch_row(statement, **given)
        return None if row is None else row[0]

    async def execute(self, statement: Statement, **given: Any) -> int:
        """How many rows were written."""
        self._database.statements_run += 1
        status: str = await self.raw.execute(statement.text, *statement.arguments(given))
        return int(status.rpartition(" ")[2])

    async def execute_many(self, statement: Statement, rows: Sequence[Mapping[str, Any]]) -> None:
        """The same statement for many rows, in one go."""
        self._database.statements_run += 1
        await self.raw.executemany(statement.text, [statement.arguments(row) for row in rows])

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """A part that can fail alone: its writes are undone when it raises."""
        await self.begin()
        async with self.raw.transaction():
            yield

    async def begin(self) -> None:
        """Begin, where that was put off (`persistence.transaction`)."""


class Database:
    """A pool of connections to one Postgres."""

    def __init__(self, pool: "asyncpg.Pool[Any]") -> None:
        self.pool = pool
        self.statements_run = 0
        """How many statements were asked for; those that left together count one each."""
        self.trips = 0
        """How many statements left, outside of transactions."""
        self._leases = Leases(pool, pool.get_max_size(), patience=ACQUIRE_TIMEOUT)
        self._together = Together(self._run, most=max(2, pool.get_max_size() // 2))
        self._writes = Writes(self._write)
        self._under_way = 0

    async def fetch(self, statement: Statement, **given: Any) -> list[Any]:
        """
        All rows of a single statement, on a connection held for just that long.

        While others are under way it leaves together with its like (`persistence.engine.read_batcher`); rows may then end with a
        column more.
        """
        self.statements_run += 1
        arguments = statement.arguments(given)
        form = statement.joined
        if self._under_way and form is not None:
            return await self._together.ask(statement.text, statement.row, form, arguments)
        return await self._run(statement.text, arguments, statement.row)

    async def _run(self, text: str, arguments: Sequence[Any], row: type[asyncpg.Record] | None) -> list[Any]:
        self._under_way += 1
        try:
            return await self._send(text, arguments, row)
        except _TOLD as error:
            raise _told(error) from error
        finally:
            self._under_way -= 1

    async def _send(self, text: str, arguments: Sequence[Any], row: type[asyncpg.Record] | None = None) -> list[Any]:
        self.trips += 1
        raw = await self._leases.take()
        try:
            rows: list[Any] = await raw.fetch(text, *arguments, record_class=row)
        except BaseException:
            await self._leases.give_up(raw)
            raise
        self._leases.give(raw)
        return rows

    async def keep(self, write: Write) -> dict[UUID, int]:
        """Keep a row that was seen, with its events, together with others' (`persistence.engine.write_batcher`). Raises
        Overtaken."""
        self.statements_run += 1
        try:
            return await self._writes.keep(write)
        except _TOLD as error:
            raise _told(error) from error

    async def _write(self, form: Statement, given: Mapping[str, Any]) -> list[Any]:
        return await self._send(form.text, form.arguments(given))

    async def fetch_row(self, statement: Statement, **given: Any) -> Any:
        """The first row of a single statement, or None."""
        rows = await self.fetch(statement, **given)
        return rows[0] if rows else None

    async def fetch_value(self, statement: Statement, **given: Any) -> Any:
        """The first column of the first row of a single statement, or None."""
        row = await self.fetch_row(statement, **given)
        return None if row is None else row[0]

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Connection]:
        """A transaction: kept when the block ends, undone when it raises."""
        try:
            raw = await self._leases.take()
            try:
                async with raw.transaction():
                    yield Connection(raw, self)
            except (DomainError, Overtaken):
                self._leases.give(raw)
                raise
            except BaseException:
                await self._leases.give_up(raw)
                raise
        except _TOLD as error:
            raise _told(error) from error
        self._leases.give(raw)

    def lent(self) -> tuple[int, int]:
        """How many connections are at work, and how many wait for one; from any thread."""
        return self._leases.lent, self._leases.waiting

    async def close(self) -> None:
        """End what is under way, and let go of the connections at hand."""
        await self._writes.close()
        await self._together.close()
        await self._leases.close()


def _told(error: BaseException) -> DomainError:
    """An outage, or a text that cannot be stored, in words for clients."""
    if isinstance(error, _UNTOLD):
        return BadUserInput("A text holds the character U+0000, which cannot be stored.")
    return Unavailable("The database does not answer now; try again.")


@asynccontextmanager
async def open_database(url: str, *, connections: int = 10) -> AsyncIterator[Database]:
    """A pool over a `postgresql://` address, closed at the end. Raises Unavailable when nothing can be opened there."""
    pool = await _open_pool(url, connections)
    database = Database(pool)
    try:
        yield database
    finally:
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT):
                await database.close()
                await pool.close()
        except TimeoutError:
            logger.warning("A statement is still under way; its connection is cut.")
            pool.terminate()
        except BaseException:
            pool.terminate()
            raise


async def _open_pool(url: str, connections: int) -> "asyncpg.Pool[Any]":
    opening = asyncpg.create_pool(
        url,
        min_size=1,
        max_size=connections,
        timeout=CONNECT_TIMEOUT,
        command_timeout=STATEMENT_TIMEOUT + 1,
        max_inactive_connection_lifetime=300,
        statement_cache_size=512,
        connection_class=_LeanConnection,
        init=codecs.teach,
        server_settings={
            "application_name": "pantherahive",
            **codecs.FORM,
            "jit": "off",
            "plan_cache_mode": "force_generic_plan",
            "random_page_cost": "1.1",
            "statement_timeout": f"{STATEMENT_TIMEOUT:.0f}s",
            "lock_timeout": f"{LOCK_TIMEOUT:.0f}s",
            "idle_in_transaction_session_timeout": "15s",
        },
    )
    try:
        return await opening
    except (*_LOST, *_REFUSED) as error:
        raise Unavailable("The database cannot be opened.") from error


class _LeanConnection(asyncpg.Connection):
    """No statement of ours leaves session state behind, so giving a connection back needs no round trip to reset it."""

    def get_reset_query(self) -> str:
        return ""
