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
overtaken. A write may also rest on one that was submitted and is not stored yet (`after`): both then stand in one statement, as
one row with the events of both in their order, or the later one follows when the version of the earlier one is known. It is
stored only if the earlier one is. Rights are those of the moment when the row was read, as they are where rows are locked.

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
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple
from uuid import UUID

import asyncpg

from domain.errors import Unavailable
from persistence.engine.batch_scheduler import Batch, BatchScheduler
from persistence.engine.statement import Statement

_MAX_BATCH_ROWS: Final = 64
_MAX_CONCURRENT_STATEMENTS: Final = 2
_SLOW_SECONDS: Final = 0.02
_OUTCOME_UNKNOWN_ERRORS: Final = (asyncpg.PostgresConnectionError, asyncpg.AdminShutdownError, asyncpg.CrashShutdownError)


class StaleRow(Exception):
    """A row that was read without a lock has been changed since, or is being changed."""


@dataclass(frozen=True, slots=True)
class PendingWrite:
    """A changed or new row with its events, which have no positions yet.

    `statement` is a `RowUpdate.batch` or `RowInsert.batch` of the row's kind; `row` holds the parameters of one row, among them
    the versions that were read; `claim` is the claim of an idempotency key, and `more` are rows of further parameters by name.
    `after`: the write of the same row on which this one rests; the version that it will have counts, not the one that was read.
    """

    statement: Statement
    row: dict[str, Any]
    event_rows: Sequence[dict[str, Any]]
    claim: dict[str, Any] | None = None
    more: Mapping[str, Sequence[dict[str, Any]]] = field(default_factory=dict)
    after: "asyncio.Future[StoredWrite] | None" = None

    @property
    def id(self) -> UUID:
        row_id: UUID = self.row["id"]
        return row_id


class StoredWrite(NamedTuple):
    """The positions of a write's events by their ids, and the version that its row has now."""

    positions: Mapping[UUID, int]
    version: int


BatchParams = dict[str, list[dict[str, Any]]]
RunBatch = Callable[[Statement, BatchParams], Awaitable[Sequence[Any]]]
"""Returns id, position and version of each event that was stored."""
_Submission = tuple[PendingWrite, "asyncio.Future[StoredWrite]"]
_Chain = list[_Submission]
"""Writes of one row, each but the first resting on the one before."""


class WriteBatcher:
    """Batches updates. `run` executes a statement with the rows, events and claims of a batch."""

    def __init__(self, run: RunBatch, *, max_statements: int = _MAX_CONCURRENT_STATEMENTS) -> None:
        self._loop = asyncio.get_running_loop()
        self._run = run
        self._pending: list[_Submission] = []
        """What has not left yet; bounded by the callers, each of which waits for its update."""
        self._busy_streams: set[str] = set()
        self._scheduler = BatchScheduler(self._next_batch, max_concurrent=max_statements, slow_seconds=_SLOW_SECONDS)
        self._closed = False

    def submit(self, write: PendingWrite) -> "asyncio.Future[StoredWrite]":
        """The outcome, once it is durable. Raises StaleRow, and what Postgres raises."""
        future: asyncio.Future[StoredWrite] = self._loop.create_future()
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

    def _next_batch(self) -> Batch | None:
        """A batch of one statement, with each row once, and no stream that another statement under way is about."""
        if not self._pending or len(self._pending) < self._scheduler.size_under_way():
            return None
        batch: dict[UUID, _Chain] = {}
        rest: list[_Submission] = []
        size = 0
        statement: Statement | None = None
        for submission in self._pending:
            write, future = submission
            if future.done():
                continue
            chain = batch.get(write.id)
            extends = chain is not None and chain[-1][1] is write.after
            if write.after is not None and not extends and not _rests_on_stored(write, future):
                if not future.done():
                    rest.append(submission)
                continue
            full = size == _MAX_BATCH_ROWS or (statement is not None and statement is not write.statement)
            if full or any(event["stream"] in self._busy_streams for event in write.event_rows):
                rest.append(submission)
            elif chain is None or extends:
                batch.setdefault(write.id, []).append(submission)
                statement = write.statement
                size += 1
            else:  # both operations read the same row: the later one is overtaken
                _fail([submission], StaleRow())
        self._pending = rest
        if not batch:
            return None
        chains = list(batch.values())
        self._busy_streams.update(_streams(chains))
        return Batch(self._send(chains), size)

    async def _send(self, chains: list[_Chain]) -> None:
        try:
            await self._run_batch(chains)
        except asyncio.CancelledError:
            _fail(_all(chains), Unavailable())
            raise
        finally:
            self._busy_streams.difference_update(_streams(chains))

    async def _run_batch(self, chains: list[_Chain]) -> None:
        statement = chains[0][0][0].statement
        try:
            stored = await self._run(statement, _batch_params(chains))
        except Exception as error:  # noqa: BLE001 (whatever a database can raise: each update is tried alone, or fails)
            nothing_stored = isinstance(error, asyncpg.PostgresError) and not isinstance(error, _OUTCOME_UNKNOWN_ERRORS)
            if not nothing_stored:
                _fail(_all(chains), error)
            elif len(chains) > 1:
                await asyncio.gather(*(self._run_batch([chain]) for chain in chains))
            else:  # which of the writes of one row is at fault is not known: each operation runs again
                _fail(_all(chains), error if len(chains[0]) == 1 else StaleRow())
            return
        found = {row[0]: (row[1], row[2]) for row in stored}
        for write, future in _all(chains):
            if future.done():
                continue
            if write.event_rows[0]["id"] in found:
                positions = {event["id"]: found[event["id"]][0] for event in write.event_rows}
                future.set_result(StoredWrite(positions, found[write.event_rows[0]["id"]][1]))
            else:
                _fail([(write, future)], StaleRow())


def _rests_on_stored(write: PendingWrite, future: "asyncio.Future[StoredWrite]") -> bool:
    """Whether the write before it is stored, whose version is then the one that counts; it is refused where that has failed."""
    before = write.after
    if before is None or not before.done():
        return False
    if before.cancelled() or before.exception() is not None:
        _fail([(write, future)], StaleRow())
        return False
    write.row["seen"] = before.result().version
    return True


def _batch_params(chains: Sequence[_Chain]) -> BatchParams:
    """The parameters of a statement: each row as its last write has it, on the version that its first one has read."""
    rows = [{**chain[-1][0].row, "seen": chain[0][0].row.get("seen")} if len(chain) > 1 else chain[0][0].row for chain in chains]
    writes = [write for write, _ in _all(chains)]
    claims = [write.claim for write in writes if write.claim is not None]
    events = [event for write in writes for event in write.event_rows]
    for nr, event in enumerate(events):
        event["nr"] = nr
    more = {name: [row for write in writes for row in write.more[name]] for name in writes[0].more}
    if len(writes) > len(chains):
        claimed = Counter(claim["row"] for claim in claims)
        rows = [{**row, "claims": claimed[row["id"]]} if row["id"] in claimed else row for row in rows]
        more = {name: _last_of_each(rows_) for name, rows_ in more.items()}
    return {"rows": rows, "events": events, "claims": claims, **more}


def _last_of_each(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows of parameters without those that a later one of the same id replaces."""
    return list({row["id"]: row for row in rows}.values()) if rows and "id" in rows[0] else list(rows)


def _all(chains: Sequence[_Chain]) -> Iterator[_Submission]:
    return (submission for chain in chains for submission in chain)


def _streams(chains: Sequence[_Chain]) -> set[str]:
    return {event["stream"] for write, _ in _all(chains) for event in write.event_rows}


def _fail(submissions: Iterable[_Submission], error: Exception) -> None:
    for _, future in submissions:
        if not future.done():
            future.set_exception(error)
            future.exception()  # marks it as retrieved: its caller may be gone
