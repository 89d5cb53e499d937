"""Group commit: concurrent updates and inserts of single rows share one statement and one commit.

Most mutations change one row and record an event. Such an operation needs no transaction of its own: it reads the row without a
lock (in one round trip with others, `persistence.engine.read_batcher`), the rules decide on what was read, and a single statement
updates the row if it is still what was read, assigns the events their positions and inserts them; all of it or nothing. That is
two round trips instead of five (begin, lock, update, log, commit). Updates that are ready at the same time leave in one
statement, so that they share the round trips, the lock of the streams and the wait for the disk
(`persistence.engine.batch_scheduler`).

*No update is lost.* "Still what was read" is decided by `xmin`, the transaction that wrote the row: every write counts, also one
that leaves the version as it is. A row that was changed meanwhile, or is locked, is left out, with its events: `StaleRow`. Its
operation then runs again and locks what it reads (`persistence.transaction`), so its second run waits its turn and cannot be
overtaken. Rights are those of the moment when the row was read, as they are where rows are locked.

*No deadlocks.* Locked rows are skipped, not waited for. A rank that another statement is about to store is waited for before any
stream. After that only streams are waited for, in the order of their names, and whoever holds a stream waits for nothing else but
later streams and the disk. A stream is in one statement at a time, so that the operations of one process do not wait for each
other there either.

*A failure fails one operation.* When Postgres refuses a statement, it has stored nothing of it: each update is tried alone, and
only the one that causes the failure fails. When the connection was lost or the server did not answer, the outcome is unknown:
every operation fails with Unavailable, and nothing is tried again.

Rejected: reading rights once more in the statement (a second read is no truer than the first, while rows of rights are not
locked); a function in Postgres (a part of the server that is not deployed with it); waiting for a moment, so that more updates
come together.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import asyncpg

from domain.errors import Unavailable
from persistence.engine.batch_scheduler import BatchScheduler
from persistence.engine.statement import Statement

_MAX_BATCH_ROWS: Final = 64
_MAX_CONCURRENT_STATEMENTS: Final = 2
_OUTCOME_UNKNOWN_ERRORS: Final = (asyncpg.PostgresConnectionError, asyncpg.AdminShutdownError, asyncpg.CrashShutdownError)


class StaleRow(Exception):
    """A row that was read without a lock has been changed since, or is being changed."""


@dataclass(frozen=True, slots=True)
class PendingWrite:
    """A changed or new row with its events, which have no positions yet.

    `statement` is a `RowUpdate.batch` or `RowInsert.batch` of the row's kind; `row` holds the parameters of one row, among them
    the versions that were read; `claim` is the claim of an idempotency key, and `more` are rows of further parameters by name.
    """

    statement: Statement
    row: dict[str, Any]
    event_rows: Sequence[dict[str, Any]]
    claim: dict[str, Any] | None = None
    more: Mapping[str, Sequence[dict[str, Any]]] = field(default_factory=dict)

    @property
    def id(self) -> UUID:
        row_id: UUID = self.row["id"]
        return row_id


BatchParams = dict[str, list[dict[str, Any]]]
RunBatch = Callable[[Statement, BatchParams], Awaitable[Sequence[Any]]]
_Submission = tuple[PendingWrite, "asyncio.Future[dict[UUID, int]]"]


class WriteBatcher:
    """Batches updates. `run` executes a statement with the rows, events and claims of a batch."""

    def __init__(self, run: RunBatch, *, max_statements: int = _MAX_CONCURRENT_STATEMENTS) -> None:
        self._loop = asyncio.get_running_loop()
        self._run = run
        self._pending: list[_Submission] = []
        """What has not left yet; bounded by the callers, each of which waits for its update."""
        self._busy_streams: set[str] = set()
        self._scheduler = BatchScheduler(self._next_batch, max_concurrent=max_statements)
        self._closed = False

    def submit(self, write: PendingWrite) -> "asyncio.Future[dict[UUID, int]]":
        """The positions of the events by their ids, once they are durable. Raises StaleRow, and what Postgres raises."""
        future: asyncio.Future[dict[UUID, int]] = self._loop.create_future()
        if self._closed:
            future.set_exception(Unavailable())
            return future
        self._pending.append((write, future))
        self._scheduler.schedule()
        return future

    async def close(self) -> None:
        """Refuse what has not left, and wait for what has: it may be stored, and its callers must learn that."""
        self._closed = True
        _fail(self._pending, Unavailable())
        self._pending.clear()
        await self._scheduler.close(cancel=False)

    def _next_batch(self) -> Coroutine[Any, Any, None] | None:
        """A batch of one statement, with each row once, and no stream that another statement under way is about."""
        if not self._pending:
            return None
        batch: list[_Submission] = []
        rest: list[_Submission] = []
        row_ids: set[UUID] = set()
        for submission in self._pending:
            write, future = submission
            if future.done():
                continue
            full = len(batch) == _MAX_BATCH_ROWS or (batch and batch[0][0].statement is not write.statement)
            if full or any(event["stream"] in self._busy_streams for event in write.event_rows):
                rest.append(submission)
            elif write.id in row_ids:  # both operations read the same row: the later one is overtaken
                future.set_exception(StaleRow())
            else:
                row_ids.add(write.id)
                batch.append(submission)
        self._pending = rest
        if not batch:
            return None
        self._busy_streams.update(event["stream"] for write, _ in batch for event in write.event_rows)
        return self._send(batch)

    async def _send(self, batch: list[_Submission]) -> None:
        try:
            await self._run_batch(batch)
        except asyncio.CancelledError:
            _fail(batch, Unavailable())
            raise
        finally:
            self._busy_streams.difference_update(event["stream"] for write, _ in batch for event in write.event_rows)

    async def _run_batch(self, batch: list[_Submission]) -> None:
        params: BatchParams = {
            "rows": [write.row for write, _ in batch],
            "events": [event for write, _ in batch for event in write.event_rows],
            "claims": [write.claim for write, _ in batch if write.claim is not None],
            **{name: [row for write, _ in batch for row in write.more[name]] for name in batch[0][0].more},
        }
        try:
            inserted = await self._run(batch[0][0].statement, params)
        except Exception as error:  # noqa: BLE001 (whatever a database can raise: each update is tried alone, or fails)
            nothing_stored = isinstance(error, asyncpg.PostgresError) and not isinstance(error, _OUTCOME_UNKNOWN_ERRORS)
            if len(batch) > 1 and nothing_stored:
                await asyncio.gather(*(self._run_batch([submission]) for submission in batch))
            else:
                _fail(batch, error)
            return
        positions = {row[0]: row[1] for row in inserted}
        for write, future in batch:
            if future.done():
                continue
            if write.event_rows[0]["id"] in positions:
                future.set_result({event["id"]: positions[event["id"]] for event in write.event_rows})
            else:
                future.set_exception(StaleRow())


def _fail(batch: Sequence[_Submission], error: Exception) -> None:
    for _, future in batch:
        if not future.done():
            future.set_exception(error)
            future.exception()  # marks it as retrieved: its caller may be gone
