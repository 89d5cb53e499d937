"""Runs SQL: SQLAlchemy writes it, asyncpg runs it.

A `Statement` is compiled once to text and parameter order and runs as a prepared statement. On the same 50-row page asyncpg
serves 2.7 times what SQLAlchemy's engine does over the same driver, and 7 times its ORM, and the statements are still SQLAlchemy
expressions that a type checker and a migration test see.

A prepared statement is planned once per connection (`plan_cache_mode`): planning the rights of a single task anew costs more than
running it. In one trial that served 2.2 times the requests of that kind, and 1.2 times those of a board. Every statement is
bounded by keys or by a page, so no plan depends on one value. Plans assume pages in memory or on flash (`random_page_cost`): with
Postgres' own figure, which is that of spinning disks, the members of one team were found by reading all users.

Timeouts hold on this side too, so that a server which has stopped answers nobody late: connecting 3 s, waiting for a connection 2
s, a statement 5 s in Postgres and 6 s here, a lock 2 s; what has failed is cleaned up in the background. What timeouts and a lost
server raise becomes `Unavailable`, a full disk `StorageFull`, U+0000, which no text in Postgres can hold, `BadUserInput`;
everything else is a bug and is raised as it is.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import asyncpg
from sqlalchemy import Integer, cast, func, select

from domain.errors import BadUserInput, DomainError, StorageFull, Unavailable
from persistence.engine.connection_pool import LeasedPool
from persistence.engine.connections import ACQUIRE_TIMEOUT_SECONDS, DatabaseTimeouts, create_pool
from persistence.engine.planning_turns import PlanningTurns
from persistence.engine.read_batcher import ReadBatcher
from persistence.engine.statement import Statement
from persistence.engine.write_batcher import PendingWrite, StaleRow, StoredWrite, WriteBatcher

CLOSE_TIMEOUT_SECONDS: Final = 5.0
_OPEN_TIMEOUT_SECONDS: Final = 10.0
_OPEN_RETRY_SECONDS: Final = 0.2
logger = logging.getLogger(__name__)
_OUTAGE_ERRORS = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,  # shut down, crashed, starting, cancelled
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.ReadOnlySQLTransactionError,  # a replica, until the address leads to the new primary
    asyncpg.LockNotAvailableError,
    asyncpg.PostgresIOError,
)
_INVALID_TEXT_ERRORS = (asyncpg.CharacterNotInRepertoireError, asyncpg.UntranslatableCharacterError)  # U+0000: text, JSON
_TRANSLATED_ERRORS = (*_OUTAGE_ERRORS, *_INVALID_TEXT_ERRORS)
_LOGIN_ERRORS = (asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InvalidCatalogNameError)
_NO_SPACE: Final = "No space left on device"
_MAX_CLIENTS = Statement(
    select(
        cast(func.current_setting("max_connections"), Integer)
        - cast(func.current_setting("superuser_reserved_connections"), Integer)
        - cast(func.current_setting("reserved_connections"), Integer)
    )
)


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
        savepoint = self.raw.transaction()
        await savepoint.start()
        try:
            yield
        except BaseException as error:
            if not _is_outage(error):  # else the whole transaction ends, which the connection is not asked for any more
                await savepoint.rollback()
            raise
        await savepoint.commit()

    async def begin(self) -> None:
        """Begin the transaction, where that was deferred (`persistence.transaction`)."""


class Database:
    """A pool of connections to one Postgres."""

    def __init__(
        self,
        pool: "asyncpg.Pool[Any]",
        principals_pool: "asyncpg.Pool[Any] | None" = None,
        *,
        acquire_timeout_seconds: float = ACQUIRE_TIMEOUT_SECONDS,
    ) -> None:
        """`principals_pool`: connections of the role whose rows are narrowed by policies, where that is wanted."""
        self.pool = pool
        self.statements_run = 0
        """Those of one batch count one each."""
        self.round_trips = 0
        """Those outside of transactions."""
        self._leased_pool = LeasedPool(pool, pool.get_max_size(), timeout_seconds=acquire_timeout_seconds)
        self._principals_pool = (
            None
            if principals_pool is None
            else LeasedPool(principals_pool, principals_pool.get_max_size(), timeout_seconds=acquire_timeout_seconds)
        )
        self._read_batcher = ReadBatcher(self._run, max_statements=max(2, pool.get_max_size() // 2))
        self._write_batcher = WriteBatcher(self._run_write)
        self._planning_turns = PlanningTurns(timeout_seconds=acquire_timeout_seconds)
        self._running = 0

    async def fetch(self, statement: Statement, **params: Any) -> list[Any]:
        """
        All rows of a single statement, on a connection leased for just that long.

        While others are under way it is batched with runs of the same (`read_batcher`); rows may then have one more column.
        """
        self.statements_run += 1
        arguments = statement.arguments(params)
        if not statement.is_prepared:
            statement.is_prepared = True
            async with self._planning_turns.turn(len(statement.text), params.get("viewer")):
                return await self._run(statement.text, arguments, statement.row_class, prepare=False)
        batched = statement.batched
        if self._running and batched is not None:
            return await self._read_batcher.submit(statement.text, statement.row_class, batched, arguments)
        return await self._run(statement.text, arguments, statement.row_class)

    @property
    def whole(self) -> "Database":
        """The database without a principal: this one."""
        return self

    @property
    def has_policies(self) -> bool:
        """Whether it can be asked as a principal (`persistence.engine.principal_database`)."""
        return self._principals_pool is not None

    async def fetch_as(self, principal: str, statement: Statement, params: Mapping[str, Any]) -> list[Any]:
        """All rows of a single reading statement that a principal may see."""
        self.statements_run += 1
        prepare, statement.is_prepared = statement.is_prepared, True
        arguments, text, rows = [*statement.arguments(params), principal], statement.text_for_principal, statement.row_class
        if prepare:
            return await self._run(text, arguments, rows, pool=self._principals_pool)
        async with self._planning_turns.turn(len(text), principal):
            return await self._run(text, arguments, rows, prepare=False, pool=self._principals_pool)

    async def _run(
        self,
        text: str,
        arguments: Sequence[Any],
        row_class: type[asyncpg.Record] | None,
        *,
        prepare: bool = True,
        pool: LeasedPool | None = None,
    ) -> list[Any]:
        self._running += 1
        try:
            return await self._send(text, arguments, row_class, prepare=prepare, pool=pool)
        except _TRANSLATED_ERRORS as error:
            raise _translate_error(error) from error
        finally:
            self._running -= 1

    async def _send(
        self,
        text: str,
        arguments: Sequence[Any],
        row_class: type[asyncpg.Record] | None = None,
        *,
        prepare: bool = True,
        pool: LeasedPool | None = None,
    ) -> list[Any]:
        """The rows of a text. Unless `prepare`, the connection forgets it with the next such text (an unnamed statement)."""
        self.round_trips += 1
        pool = pool or self._leased_pool
        raw = await pool.acquire()
        try:
            if prepare:
                rows: list[Any] = await raw.fetch_prepared(text, arguments, row_class)
            else:
                rows = await (await raw.prepare(text, name="", record_class=row_class)).fetch(*arguments)
        except BaseException:
            pool.discard(raw)
            raise
        pool.release(raw)
        return rows

    def submit_write(self, write: PendingWrite) -> "asyncio.Future[StoredWrite]":
        """Update a row that was read without a lock, with its events, in one commit with others
        (`persistence.engine.write_batcher`). What becomes of it is for `stored`."""
        self.statements_run += 1
        return self._write_batcher.submit(write)

    async def stored(self, submitted: "asyncio.Future[StoredWrite]") -> StoredWrite:
        """A submitted write, once it is durable. Raises StaleRow."""
        try:
            return await submitted
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
    async def begin(self, *, snapshot: bool = False) -> AsyncIterator[Connection]:
        """A transaction: committed when the block ends, rolled back when it raises; a `snapshot` only reads, one instant."""
        try:
            raw = await self._leased_pool.acquire()
            transaction = raw.transaction(isolation="repeatable_read", readonly=True) if snapshot else raw.transaction()
            try:
                await transaction.start()
                yield Connection(raw, self)
            except BaseException as error:
                await self._roll_back(raw, transaction, error)
                raise
            try:
                await transaction.commit()
            except BaseException:
                self._leased_pool.discard(raw)
                raise
        except _TRANSLATED_ERRORS as error:
            raise _translate_error(error) from error
        self._leased_pool.release(raw)

    async def _roll_back(self, raw: Any, transaction: Any, error: BaseException) -> None:
        """End a transaction that has failed: at once where the server answers, else in the background."""
        if _is_outage(error):
            self._leased_pool.discard(raw, roll_back=transaction.rollback)
            return
        try:
            await transaction.rollback()
        except BaseException:
            self._leased_pool.discard(raw)
            raise
        if isinstance(error, (DomainError, StaleRow)):
            self._leased_pool.release(raw)
        else:
            self._leased_pool.discard(raw)

    def pool_usage(self) -> tuple[int, int]:
        """How many connections are in use, and how many callers wait for one; from any thread."""
        return self._leased_pool.in_use, self._leased_pool.waiting

    @property
    def connections_refused(self) -> int:
        """How many connections Postgres refused, because it has too many."""
        return self._leased_pool.refused

    async def close(self) -> None:
        """End what is under way, and return the idle connections."""
        await self._write_batcher.close()
        await self._read_batcher.close()
        await self._leased_pool.close()
        if self._principals_pool is not None:
            await self._principals_pool.close()


def _is_outage(error: BaseException) -> bool:
    """Whether the server may not answer on the connection any more: it was lost, a timeout has passed, or the caller has given
    up."""
    return not isinstance(error, Exception) or isinstance(error, (*_OUTAGE_ERRORS, Unavailable))


def _translate_error(error: BaseException) -> DomainError:
    """An outage, or a text that cannot be stored, in words for clients."""
    if isinstance(error, _INVALID_TEXT_ERRORS):
        return BadUserInput("A text holds the character U+0000, which cannot be stored.")
    if isinstance(error, asyncpg.DiskFullError) or (isinstance(error, asyncpg.PostgresIOError) and _NO_SPACE in str(error)):
        return StorageFull("The database has no room left; try again later.")
    return Unavailable("The database is unavailable; try again.")


@asynccontextmanager
async def open_database(
    url: str,
    *,
    max_connections: int = 10,
    timeouts: DatabaseTimeouts = DatabaseTimeouts(),  # noqa: B008 (it is frozen)
    principals_role: str | None = None,
) -> AsyncIterator[Database]:
    """A pool over a `postgresql://` address, closed at the end. Raises Unavailable when nothing can be opened there.

    `principals_role`: the role of a second pool, of as many connections, for what is read as a principal.
    """
    pool = await _open_pool(url, max_connections, timeouts)
    pools = [pool]
    if principals_role is not None:
        try:
            pools.append(await _open_pool(url, max_connections, timeouts, role=principals_role))
        except BaseException:
            pool.terminate()
            raise
    database = Database(*pools, acquire_timeout_seconds=timeouts.acquire_seconds)
    try:
        await _warn_of_few_connections(database, len(pools) * max_connections)
        yield database
    finally:
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_SECONDS):
                await database.close()
                await asyncio.gather(*(each.close() for each in pools))
        except TimeoutError:
            logger.warning("A statement is still under way; its connection is closed.")
            _terminate(pools)
        except BaseException:
            _terminate(pools)
            raise


def _terminate(pools: Sequence["asyncpg.Pool[Any]"]) -> None:
    for each in pools:
        each.terminate()


async def max_client_connections(database: Database) -> int:
    """How many connections Postgres allows to all of its clients together."""
    allowed: int = await database.fetch_value(_MAX_CLIENTS)
    return allowed


async def _warn_of_few_connections(database: Database, wanted: int) -> None:
    allowed = await max_client_connections(database)
    if wanted > allowed:
        logger.warning(
            "This process may open %d connections, but Postgres allows %d: requests wait (HIVE_DATABASE_CONNECTIONS).",
            wanted,
            allowed,
        )


async def _open_pool(
    url: str, max_connections: int, timeouts: DatabaseTimeouts, *, role: str | None = None
) -> "asyncpg.Pool[Any]":
    """A pool with one open connection; waits for a while where Postgres has none left or is still starting."""
    deadline = asyncio.get_running_loop().time() + _OPEN_TIMEOUT_SECONDS
    while True:
        try:
            # What the role reads through views of its own stands in a schema of its name, before the tables.
            settings = {} if role is None else {"role": role, "search_path": f"{role}, public"}
            pool = await create_pool(url, max_connections, timeouts, settings)
            await pool.release(await pool.acquire())
            return pool
        except (asyncpg.TooManyConnectionsError, asyncpg.CannotConnectNowError) as error:
            if asyncio.get_running_loop().time() > deadline:
                raise Unavailable("The database cannot be opened.") from error
            await asyncio.sleep(_OPEN_RETRY_SECONDS)
        except (*_OUTAGE_ERRORS, *_LOGIN_ERRORS) as error:
            raise Unavailable("The database cannot be opened.") from error
