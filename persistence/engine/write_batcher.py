"""Changed rows of concurrent operations are kept together: one statement, one commit.

Most mutations change one row and tell of it. Such an operation needs no transaction of its own: it reads the row without holding
it (in one trip with others', `persistence.engine.read_batcher`), the rules run on what was read, and a single statement keeps the
new row if the row is still what was read, gives the events their places and logs them; all of it or nothing. That is two trips
instead of five (begin, lock, update, log, commit). And what operations come to at the same time leaves in one statement, so that
they share the trips, the turn of the streams and the wait for the disk. Nobody waits on purpose: who finds nothing under way
leaves at once.

*Nothing is lost.* "Still what was read" is decided by `xmin`, the transaction that wrote the row: every write counts, also one
that leaves the version as it is. A member whose row was changed meanwhile, or is held by somebody, is left out, with its events:
`Overtaken`. Its operation then runs again and holds what it reads, as all others do (`persistence.transaction`), so that on its
second run it waits its turn and cannot be overtaken. Rights are those of the moment when the row was read, as they are where rows
are held.

*Nobody waits for each other.* Rows that somebody holds are skipped, not waited for. Only streams are waited for, in the order of
their names, and whoever has a stream's turn waits for nothing else but streams that come later, and the disk. A stream is in one
statement at a time, so that operations of one process don't wait for each other there either.

*A failure is its own.* When Postgres refuses a statement of several, it has kept nothing of it: each member is tried alone, and
only the one to blame fails. When the connection was lost, nobody knows: everybody is told so, and nothing is tried again.

Rejected: reading rights once more in the statement (a second look is no truer than the first, while rows of rights are not held);
a function in Postgres (a part of the server that is not deployed with it); waiting for a moment, so that more come together.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import asyncpg

from domain.errors import Unavailable

if TYPE_CHECKING:
    from persistence.engine.database import Statement

_MAX_BATCH_ROWS: Final = 64
_MAX_CONCURRENT_STATEMENTS: Final = 2
_OUTCOME_UNKNOWN_ERRORS: Final = (asyncpg.PostgresConnectionError, asyncpg.AdminShutdownError, asyncpg.CrashShutdownError)


class StaleRow(Exception):
    """A row that was read without being held was changed since, or is being changed."""


@dataclass(frozen=True, slots=True)
class PendingWrite:
    """A changed row, and the events that tell of it, which have no places yet.

    `form` is `Kept.together` of the row's kind, or `Kept.claiming` where an idempotency key comes with it, its `claim`; `row`
    holds what the statement wants, `seen` among it.
    """

    statement: "Statement"
    row: dict[str, Any]
    event_rows: Sequence[dict[str, Any]]
    claim: dict[str, Any] | None = None

    @property
    def id(self) -> UUID:
        found: UUID = self.row["id"]
        return found


BatchParams = dict[str, list[dict[str, Any]]]
RunBatch = Callable[["Statement", BatchParams], Awaitable[Sequence[Any]]]
_Submission = tuple[PendingWrite, "asyncio.Future[dict[UUID, int]]"]


class WriteBatcher:
    """
    Sends off what is to be kept at the same time. `run` is given a form with its rows, events and claims.

    As with `persistence.engine.read_batcher`, tasks are owned by the set that they stand in.
    """

    def __init__(self, run: RunBatch, *, max_statements: int = _MAX_CONCURRENT_STATEMENTS) -> None:
        self._loop = asyncio.get_running_loop()
        self._run = run
        self._max_statements = max_statements
        self._pending: list[_Submission] = []
        self._busy_streams: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_scheduled = False
        self._closed = False

    def submit(self, write: PendingWrite) -> "asyncio.Future[dict[UUID, int]]":
        """The positions of the events by their ids, when they are durable. Raises Overtaken, and what Postgres raises."""
        future: asyncio.Future[dict[UUID, int]] = self._loop.create_future()
        if self._closed:
            future.set_exception(Unavailable())
            return future
        self._pending.append((write, future))
        self._schedule_dispatch()
        return future

    async def close(self) -> None:
        """Refuse what has not left, and wait for what has: it may be kept, and whoever asked is told."""
        self._closed = True
        _fail(self._pending, Unavailable())
        self._pending.clear()
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _schedule_dispatch(self) -> None:
        if not self._is_scheduled:
            self._is_scheduled = True
            self._loop.call_soon(self._dispatch)

    def _dispatch(self) -> None:
        self._is_scheduled = False
        while len(self._tasks) < self._max_statements and (members := self._next_batch()):
            task = self._loop.create_task(self._send(members))
            self._tasks.add(task)
            task.add_done_callback(self._on_done)

    def _on_done(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if self._pending:
            self._schedule_dispatch()

    def _next_batch(self) -> list[_Submission]:
        """Who leaves now: of one kind, each row once, and no stream that another statement is about."""
        members: list[_Submission] = []
        stay: list[_Submission] = []
        rows: set[UUID] = set()
        for member in self._pending:
            write, future = member
            if future.done():
                continue
            full = len(members) == _MAX_BATCH_ROWS or (members and members[0][0].statement is not write.statement)
            if full or any(told["stream"] in self._busy_streams for told in write.event_rows):
                stay.append(member)
            elif write.id in rows:  # both read the same row: the one that comes later has been overtaken
                future.set_exception(StaleRow())
            else:
                rows.add(write.id)
                members.append(member)
        self._pending = stay
        self._busy_streams.update(told["stream"] for write, _ in members for told in write.event_rows)
        return members

    async def _send(self, submissions: list[_Submission]) -> None:
        try:
            await self._run_batch(submissions)
        except asyncio.CancelledError:
            _fail(submissions, Unavailable())
            raise
        finally:
            self._busy_streams.difference_update(told["stream"] for write, _ in submissions for told in write.event_rows)

    async def _run_batch(self, submissions: list[_Submission]) -> None:
        given: BatchParams = {
            "rows": [write.row for write, _ in submissions],
            "events": [event for write, _ in submissions for event in write.event_rows],
            "claims": [write.claim for write, _ in submissions if write.claim is not None],
        }
        try:
            found = await self._run(submissions[0][0].statement, given)
        except Exception as error:  # noqa: BLE001 (whatever a database can raise: each is tried alone, or told)
            known = isinstance(error, asyncpg.PostgresError) and not isinstance(error, _OUTCOME_UNKNOWN_ERRORS)
            if len(submissions) > 1 and known:
                await asyncio.gather(*(self._run_batch([member]) for member in submissions))
            else:
                _fail(submissions, error)
            return
        places = {row[0]: row[1] for row in found}
        for write, future in submissions:
            if future.done():
                continue
            if write.event_rows[0]["id"] in places:
                future.set_result({event["id"]: places[event["id"]] for event in write.event_rows})
            else:
                future.set_exception(StaleRow())


def _fail(submissions: Sequence[_Submission], error: Exception) -> None:
    for _, future in submissions:
        if not future.done():
            future.set_exception(error)
            future.exception()  # counts as seen, also when nobody waits any more
