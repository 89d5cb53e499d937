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
from persistence.engine.connection_pool import LeasedPool
from persistence.engine.read_batcher import BatchedStatement, ReadBatcher, to_batched
from persistence.engine.write_batcher import PendingWrite, StaleRow, WriteBatcher

DIALECT = dialect.dialect(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]
CONNECT_TIMEOUT_SECONDS, ACQUIRE_TIMEOUT_SECONDS, STATEMENT_TIMEOUT_SECONDS, LOCK_TIMEOUT_SECONDS, CLOSE_TIMEOUT_SECONDS = (
    3.0,
    2.0,
    5.0,
    2.0,
    5.0,
)
logger = logging.getLogger(__name__)
_OUTAGE_ERRORS = (
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
_INVALID_TEXT_ERRORS = (
    asyncpg.CharacterNotInRepertoireError,
    asyncpg.UntranslatableCharacterError,
)  # U+0000, as text and in JSON
_TRANSLATED_ERRORS = (*_OUTAGE_ERRORS, *_INVALID_TEXT_ERRORS)
_LOGIN_ERRORS = (asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InvalidCatalogNameError)


class Statement:
    """One SQL statement, compiled when it is first run.

    `row` is the class of the rows it gives (see `persistence.engine.rows.row_class`). Parameters are the names of its
    `bindparam`s; values that the expression carries itself are kept.
    """

    def __init__(self, expression: ClauseElement, row_class: type[asyncpg.Record] | None = None) -> None:
        self.expression = expression
        self.row_class = row_class

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
    def batched(self) -> BatchedStatement | None:
        """The SQL for many runs at once, of a statement that only reads."""
        return to_batched(self.text)

    def arguments(self, params: Mapping[str, Any]) -> list[Any]:
        """The values of $1 … $n."""
        return [params.get(name, own) for name, own in self._compiled[1]]


class Connection:
    """One connection inside a transaction."""

    def __init__(self, raw: Any, database: "Database") -> None:
        self.raw = raw
        self._database = database

    async def fetch(self, statement: Statement, **params: Any) -> list[Any]:
        """All rows."""
        self._database.statements_run += 1
        rows: list[Any] = await self.raw.fetch(statement.text, *statement.arguments(params), record_class=statement.row_class)
        return rows

    async def fetch_row(self, statement: Statement, **params: Any) -> Any:
        """The first row, or None."""
        self._database.statements_run += 1
        return await self.raw.fetchrow(statement.text, *statement.arguments(params), record_class=statement.row_class)

    async def fetch_value(self, statement: Statement, **params: Any) -> Any:
        """The first column of the first row, or None."""
        row = await self.fetch_row(statement, **params)
        return None if row is None else row[0]

    async def execute(self, statement: Statement, **params: Any) -> int:
        """How many rows were written."""
        self._database.statements_run += 1
        status: str = await self.raw.execute(statement.text, *statement.arguments(params))
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
        self.round_trips = 0
        """How many statements left, outside of transactions."""
        self._leased_pool = LeasedPool(pool, pool.get_max_size(), timeout_seconds=ACQUIRE_TIMEOUT_SECONDS)
        self._read_batcher = ReadBatcher(self._run, max_statements=max(2, pool.get_max_size() // 2))
        self._write_batcher = WriteBatcher(self._run_write)
        self._running = 0

    async def fetch(self, statement: Statement, **params: Any) -> list[Any]:
        """
        All rows of a single statement, on a connection held for just that long.

        While others are under way it leaves together with its like (`persistence.engine.read_batcher`); rows may then end with a
        column more.
        """
        self.statements_run += 1
        arguments = statement.arguments(params)
        form = statement.batched
        if self._running and form is not None:
            return await self._read_batcher.submit(statement.text, statement.row_class, form, arguments)
        return await self._run(statement.text, arguments, statement.row_class)

    async def _run(self, text: str, arguments: Sequence[Any], row_class: type[asyncpg.Record] | None) -> list[Any]:
        self._running += 1
        try:
            return await self._send(text, arguments, row_class)
        except _TRANSLATED_ERRORS as error:
            raise _translate_error(error) from error
        finally:
            self._running -= 1

    async def _send(self, text: str, arguments: Sequence[Any], row_class: type[asyncpg.Record] | None = None) -> list[Any]:
        self.round_trips += 1
        raw = await self._leased_pool.acquire()
        try:
            rows: list[Any] = await raw.fetch(text, *arguments, record_class=row_class)
        except BaseException:
            await self._leased_pool.discard(raw)
            raise
        self._leased_pool.release(raw)
        return rows

    async def submit_write(self, write: PendingWrite) -> dict[UUID, int]:
        """Keep a row that was seen, with its events, together with others' (`persistence.engine.write_batcher`). Raises
        Overtaken."""
        self.statements_run += 1
        try:
            return await self._write_batcher.submit(write)
        except _TRANSLATED_ERRORS as error:
            raise _translate_error(error) from error

    async def _run_write(self, statement: Statement, params: Mapping[str, Any]) -> list[Any]:
        return await self._send(statement.text, statement.arguments(params))

    async def fetch_row(self, statement: Statement, **params: Any) -> Any:
        """The first row of a single statement, or None."""
        rows = await self.fetch(statement, **params)
        return rows[0] if rows else None

    async def fetch_value(self, statement: Statement, **params: Any) -> Any:
        """The first column of the first row of a single statement, or None."""
        row = await self.fetch_row(statement, **params)
        return None if row is None else row[0]

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Connection]:
        """A transaction: kept when the block ends, undone when it raises."""
        try:
            raw = await self._leased_pool.acquire()
            try:
                async with raw.transaction():
                    yield Connection(raw, self)
            except (DomainError, StaleRow):
                self._leased_pool.release(raw)
                raise
            except BaseException:
                await self._leased_pool.discard(raw)
                raise
        except _TRANSLATED_ERRORS as error:
            raise _translate_error(error) from error
        self._leased_pool.release(raw)

    def pool_usage(self) -> tuple[int, int]:
        """How many connections are at work, and how many wait for one; from any thread."""
        return self._leased_pool.in_use, self._leased_pool.waiting

    async def close(self) -> None:
        """End what is under way, and let go of the connections at hand."""
        await self._write_batcher.close()
        await self._read_batcher.close()
        await self._leased_pool.close()


def _translate_error(error: BaseException) -> DomainError:
    """An outage, or a text that cannot be stored, in words for clients."""
    if isinstance(error, _INVALID_TEXT_ERRORS):
        return BadUserInput("A text holds the character U+0000, which cannot be stored.")
    return Unavailable("The database does not answer now; try again.")


@asynccontextmanager
async def open_database(url: str, *, max_connections: int = 10) -> AsyncIterator[Database]:
    """A pool over a `postgresql://` address, closed at the end. Raises Unavailable when nothing can be opened there."""
    pool = await _open_pool(url, max_connections)
    database = Database(pool)
    try:
        yield database
    finally:
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_SECONDS):
                await database.close()
                await pool.close()
        except TimeoutError:
            logger.warning("A statement is still under way; its connection is cut.")
            pool.terminate()
        except BaseException:
            pool.terminate()
            raise


async def _open_pool(url: str, max_connections: int) -> "asyncpg.Pool[Any]":
    opening = asyncpg.create_pool(
        url,
        min_size=1,
        max_size=max_connections,
        timeout=CONNECT_TIMEOUT_SECONDS,
        command_timeout=STATEMENT_TIMEOUT_SECONDS + 1,
        max_inactive_connection_lifetime=300,
        statement_cache_size=512,
        connection_class=_NoResetConnection,
        init=codecs.register_codecs,
        server_settings={
            "application_name": "pantherahive",
            **codecs.SESSION_SETTINGS,
            "jit": "off",
            "plan_cache_mode": "force_generic_plan",
            "random_page_cost": "1.1",
            "statement_timeout": f"{STATEMENT_TIMEOUT_SECONDS:.0f}s",
            "lock_timeout": f"{LOCK_TIMEOUT_SECONDS:.0f}s",
            "idle_in_transaction_session_timeout": "15s",
        },
    )
    try:
        return await opening
    except (*_OUTAGE_ERRORS, *_LOGIN_ERRORS) as error:
        raise Unavailable("The database cannot be opened.") from error


class _NoResetConnection(asyncpg.Connection):
    """No statement of ours leaves session state behind, so giving a connection back needs no round trip to reset it."""

    def get_reset_query(self) -> str:
        return ""
