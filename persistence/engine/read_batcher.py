"""Sends concurrent runs of one statement together: one round trip, each run with its own parameters.

Concurrent requests ask for the same kinds of rows. Runs of a reading statement that are ready at the end of one tick of the event
loop, or while connections are busy (`persistence.engine.batch_scheduler`), become one statement over all of them. For example

    SELECT tasks.id, tasks.title FROM tasks WHERE tasks.id = ANY ($1::UUID[]) AND tasks.team_id = $2::UUID

becomes

    SELECT _own.*, _run.nr
    FROM unnest($2::INTEGER[], $3::INTEGER[], $4::UUID[]) WITH ORDINALITY AS _run(a1, z1, p2, nr)
    CROSS JOIN LATERAL (
      SELECT tasks.id, tasks.title FROM tasks
      WHERE tasks.id = ANY (($1::UUID[])[_run.a1:_run.z1]) AND tasks.team_id = _run.p2
      OFFSET 0
    ) AS _own

in which the statement is unchanged, except that each parameter is read from its run. So rights stay in the SQL: every run is
narrowed by its own viewer, and no row can reach another run. `OFFSET 0` keeps Postgres from planning across the border of a run:
each costs what it costs alone. The values of a parameter that is an array travel as slices of one long array (`a1` to `z1`),
since arrays of arrays must not differ in length.

Few statements are under way at once, so that many runs leave together: with three instead of five, 13 % more small queries were
served at 16 connections, for less work of Postgres. The size of a batch is bounded by the rows that the statement usually
returns: reading thousands of rows in one go would block the event loop.

When a batch fails, each of its runs is tried alone, so that only the run that causes the failure fails; but a database that has
not answered in time is not asked again.

Rejected: the runs' parents as one array with their viewers beside it (every statement would have to be written for that).
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import asyncpg

from domain.errors import Unavailable
from persistence.engine.batch_scheduler import Batch, BatchScheduler

_MAX_CONCURRENT_STATEMENTS: Final = 3
_SLOW_SECONDS: Final = 0.02
_MAX_BATCH_RUNS: Final = 64
_MAX_BATCH_ROWS: Final = 256
_PARAMETER: Final = re.compile(r"\$(\d+)(?:::(TIMESTAMP WITH TIME ZONE|DOUBLE PRECISION|[A-Z]+)(\[\])?)?")
_LOCKING_CLAUSE: Final = re.compile(r"\bFOR (?:UPDATE|NO KEY UPDATE|SHARE|KEY SHARE)\b")

RunStatement = Callable[[str, Sequence[Any], "type[asyncpg.Record] | None"], Awaitable[list[Any]]]


@dataclass(slots=True, eq=False)
class BatchedStatement:
    """A statement written for many runs at once.

    Its parameters are arrays with a value per run; for a parameter that is an array itself: one long array, and the first and
    last index of each run's slice.
    """

    text: str
    is_array: tuple[bool, ...]
    """Of each parameter of the original statement."""
    average_rows: float = 1.0

    def arguments(self, runs: Sequence[Sequence[Any]]) -> list[Any]:
        """The parameters of `text`: the values of all runs."""
        params: list[Any] = []
        for index, is_array in enumerate(self.is_array):
            values = [run[index] for run in runs]
            if not is_array:
                params.append(values)
                continue
            concatenated: list[Any] = []
            starts, ends = [], []
            for value in values:
                starts.append(len(concatenated) + 1)
                concatenated += value
                ends.append(len(concatenated))
            params += [concatenated, starts, ends]
        return params

    @property
    def max_runs(self) -> int:
        """How many runs may be in one batch."""
        return max(1, min(_MAX_BATCH_RUNS, int(_MAX_BATCH_ROWS / max(self.average_rows, 1.0))))

    def record_row_count(self, rows: int, runs: int) -> None:
        """Adjust the average to what a batch has returned."""
        self.average_rows += (rows / runs - self.average_rows) / 8


def to_batched(text: str) -> BatchedStatement | None:
    """The text for many runs; None for a statement that writes or locks, or has a parameter without a type."""
    if not text.startswith("SELECT") or _LOCKING_CLAUSE.search(text):
        return None
    kinds: dict[int, tuple[str, bool]] = {}
    for found in _PARAMETER.finditer(text):
        kind = (found[2], found[3] is not None)
        if found[2] is None or kinds.setdefault(int(found[1]), kind) != kind:
            return None
    if not kinds or sorted(kinds) != list(range(1, len(kinds) + 1)):
        return None
    sources, names, replacements = [], [], {}
    number = 0
    for own, (type_name, is_array) in sorted(kinds.items()):
        number += 1
        if not is_array:
            sources.append(f"${number}::{type_name}[]")
            names.append(f"p{own}")
            replacements[own] = f"_run.p{own}"
            continue
        sources += [f"${number + 1}::INTEGER[]", f"${number + 2}::INTEGER[]"]
        names += [f"a{own}", f"z{own}"]
        replacements[own] = f"(${number}::{type_name}[])[_run.a{own}:_run.z{own}]"
        number += 2
    own_text = _PARAMETER.sub(lambda found: replacements[int(found[1])], text)
    batched_text = (
        f"SELECT _own.*, _run.nr FROM unnest({', '.join(sources)}) WITH ORDINALITY AS _run({', '.join(names)}, nr) "  # noqa: S608 (our own text)
        f"CROSS JOIN LATERAL ({own_text} OFFSET 0) AS _own"
    )
    return BatchedStatement(batched_text, tuple(is_array for _, (_, is_array) in sorted(kinds.items())))


_Run = tuple[Sequence[Any], "asyncio.Future[list[Any]]"]
"""The parameters of a run, and the future of its rows."""


@dataclass(slots=True, eq=False)
class _PendingRuns:
    """The runs of one statement that have not left yet."""

    text: str
    row_class: "type[asyncpg.Record] | None"
    batched: BatchedStatement
    runs: list[_Run] = field(default_factory=list)


class ReadBatcher:
    """Batches reading statements. `run` executes one; `max_statements` bounds those under way at once, slow ones included."""

    def __init__(self, run: RunStatement, *, max_statements: int) -> None:
        self._loop = asyncio.get_running_loop()  # read once: on Python 3.11 each call is a system call
        self._run = run
        self._pending: dict[str, _PendingRuns] = {}
        """By the statement's text; bounded by the callers, each of which waits for its run."""
        self._scheduler = BatchScheduler(
            self._next_batch, max_concurrent=_MAX_CONCURRENT_STATEMENTS, max_total=max_statements, slow_seconds=_SLOW_SECONDS
        )
        self._closed = False

    def submit(
        self, text: str, row_class: "type[asyncpg.Record] | None", batched: BatchedStatement, arguments: Sequence[Any]
    ) -> "asyncio.Future[list[Any]]":
        """The rows of one run. Each row may have one more column, after the statement's own."""
        future: asyncio.Future[list[Any]] = self._loop.create_future()
        if self._closed:
            future.set_exception(Unavailable())
            return future
        pending = self._pending.get(text)
        if pending is None:
            pending = self._pending[text] = _PendingRuns(text, row_class, batched)
        pending.runs.append((arguments, future))
        self._scheduler.schedule()
        return future

    async def close(self) -> None:
        """Refuse what is pending, and cancel what is under way."""
        self._closed = True
        for pending in self._pending.values():
            _fail(pending.runs, Unavailable())
        self._pending.clear()
        await self._scheduler.close(cancel=True)

    def _next_batch(self) -> Batch | None:
        for text, pending in self._pending.items():
            size = pending.batched.max_runs
            if len(pending.runs) < min(size, self._scheduler.size_under_way(text)):
                continue
            runs, pending.runs = pending.runs[:size], pending.runs[size:]
            del self._pending[text]
            if pending.runs:  # behind the other statements, so that none of them starves
                self._pending[text] = pending
            return Batch(self._send(pending, runs), len(runs), text)
        return None

    async def _send(self, pending: _PendingRuns, runs: list[_Run]) -> None:
        runs = [run for run in runs if not run[1].done()]
        try:
            if len(runs) == 1:
                await self._run_single(pending, *runs[0])
            elif runs:
                await self._run_batch(pending, runs)
        except asyncio.CancelledError:
            _fail(runs, Unavailable())
            raise

    async def _run_batch(self, pending: _PendingRuns, runs: list[_Run]) -> None:
        batched = pending.batched
        try:
            rows = await self._run(batched.text, batched.arguments([arguments for arguments, _ in runs]), pending.row_class)
        except Exception as error:  # noqa: BLE001 (one run's fault, or everybody's: each run fails by itself)
            if isinstance(error.__cause__, TimeoutError):
                _fail(runs, error)
            else:
                await asyncio.gather(*(self._run_single(pending, *run) for run in runs))
            return
        batched.record_row_count(len(rows), len(runs))
        rows_by_run: list[list[Any]] = [[] for _ in runs]
        for row in rows:
            rows_by_run[row[-1] - 1].append(row)
        for (_, future), own_rows in zip(runs, rows_by_run, strict=True):
            if not future.done():
                future.set_result(own_rows)

    async def _run_single(self, pending: _PendingRuns, arguments: Sequence[Any], future: "asyncio.Future[list[Any]]") -> None:
        try:
            rows = await self._run(pending.text, arguments, pending.row_class)
        except Exception as error:  # noqa: BLE001 (it belongs to the caller)
            if not future.done():
                future.set_exception(error)
        else:
            pending.batched.record_row_count(len(rows), 1)
            if not future.done():
                future.set_result(rows)


def _fail(runs: Sequence[_Run], error: Exception) -> None:
    for _, future in runs:
        if not future.done():
            future.set_exception(error)
            future.exception()  # marks it as retrieved: its caller may be gone
