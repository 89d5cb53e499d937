"""Concurrent runs of one statement leave together: one round trip, each run with its own parameters.

Requests that are under way at the same moment ask for the same kinds of rows. Runs of a reading statement that are ready at the
end of one tick of the event loop, or while connections are busy, become one statement over all of them:

    SELECT _own.*, _run.nr FROM unnest($1::UUID[], …) WITH ORDINALITY AS _run(p1, …, nr)
    CROSS JOIN LATERAL (<the statement> OFFSET 0) AS _own

in which the statement stands as it is, each parameter read from its run. So rights stay in the SQL: every run is narrowed by its
own viewer, and no rows can come to another. `OFFSET 0` keeps Postgres from planning across the border of a run: each costs what
it does alone. An array parameter travels as a part of one long array, since arrays of arrays must not differ in length.

Nobody waits on purpose: a statement that finds nothing under way goes at once, alone, so that a quiet server answers as fast as
without all this. Few are under way at once, so that many runs leave together: with three instead of five, 13 % more small queries
were served at 16 connections, for less work of Postgres. One that takes long does not count, so it holds up nobody. When a common
run fails, each of its runs is tried alone, and only the one that is to blame fails. How many may leave together is bounded by the
rows that the statement usually gives: reading thousands of rows in one go would keep the event loop from the others.

Rejected: the runs' parents as one array with their viewers beside it (every statement would have to be written for that); a
thread or a timer that collects (waiting on purpose).
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import asyncpg

from domain.errors import Unavailable

_MAX_CONCURRENT_STATEMENTS: Final = 3
_SLOW_SECONDS: Final = 0.02  # seconds
_MAX_BATCH_RUNS: Final = 64
_MAX_BATCH_ROWS: Final = 256
_PARAMETER: Final = re.compile(r"\$(\d+)(?:::(TIMESTAMP WITH TIME ZONE|DOUBLE PRECISION|[A-Z]+)(\[\])?)?")
_LOCKING_CLAUSE: Final = re.compile(r"\bFOR (?:UPDATE|NO KEY UPDATE|SHARE|KEY SHARE)\b")

RunStatement = Callable[[str, Sequence[Any], "type[asyncpg.Record] | None"], Awaitable[list[Any]]]


@dataclass(slots=True, eq=False)
class BatchedStatement:
    """A statement written for many runs at once. Shape of the parameters: arrays of values; for those that are arrays, one long
    array, and where each run's part begins and ends."""

    text: str
    arrays: tuple[bool, ...]
    average_rows: float = 1.0

    def arguments(self, runs: Sequence[Sequence[Any]]) -> list[Any]:
        """The values of all runs, as the text wants them."""
        made: list[Any] = []
        for place, is_array in enumerate(self.arrays):
            values = [run[place] for run in runs]
            if not is_array:
                made.append(values)
                continue
            whole: list[Any] = []
            starts, ends = [], []
            for value in values:
                starts.append(len(whole) + 1)
                whole += value
                ends.append(len(whole))
            made += [whole, starts, ends]
        return made

    @property
    def max_runs(self) -> int:
        """How many runs may leave together."""
        return max(1, min(_MAX_BATCH_RUNS, int(_MAX_BATCH_ROWS / max(self.average_rows, 1.0))))

    def record_row_count(self, rows: int, runs: int) -> None:
        """Learn from what a common run gave."""
        self.average_rows += (rows / runs - self.average_rows) / 8


def to_batched(text: str) -> BatchedStatement | None:
    """The text for many runs; None for a statement that writes or locks, or doesn't say of what type a parameter is."""
    if not text.startswith("SELECT") or _LOCKING_CLAUSE.search(text):
        return None
    kinds: dict[int, tuple[str, bool]] = {}
    for found in _PARAMETER.finditer(text):
        said = (found[2], found[3] is not None)
        if found[2] is None or kinds.setdefault(int(found[1]), said) != said:
            return None
    if not kinds or sorted(kinds) != list(range(1, len(kinds) + 1)):
        return None
    sources, names, places = [], [], {}
    number = 0
    for own, (kind, is_array) in sorted(kinds.items()):
        number += 1
        if not is_array:
            sources.append(f"${number}::{kind}[]")
            names.append(f"p{own}")
            places[own] = f"_run.p{own}"
            continue
        sources += [f"${number + 1}::INTEGER[]", f"${number + 2}::INTEGER[]"]
        names += [f"a{own}", f"z{own}"]
        places[own] = f"(${number}::{kind}[])[_run.a{own}:_run.z{own}]"
        number += 2
    own_text = _PARAMETER.sub(lambda found: places[int(found[1])], text)
    whole = (
        f"SELECT _own.*, _run.nr FROM unnest({', '.join(sources)}) WITH ORDINALITY AS _run({', '.join(names)}, nr) "  # noqa: S608 (our own text)
        f"CROSS JOIN LATERAL ({own_text} OFFSET 0) AS _own"
    )
    return BatchedStatement(whole, tuple(is_array for _, (_, is_array) in sorted(kinds.items())))


@dataclass(slots=True, eq=False)
class _PendingRuns:
    """The runs of one statement that have not left yet."""

    text: str
    row_class: "type[asyncpg.Record] | None"
    batched: BatchedStatement
    runs: list[tuple[Sequence[Any], "asyncio.Future[list[Any]]"]] = field(default_factory=list)


class ReadBatcher:
    """Sends off what is asked for at the same time. `most`: how many statements may be under way at once, slow ones too."""

    def __init__(self, run: RunStatement, *, max_statements: int) -> None:
        self._loop = asyncio.get_running_loop()  # told once: on Python 3.11 asking costs a system call
        self._run = run
        self._max_statements = max_statements
        self._pending: dict[str, _PendingRuns] = {}
        self._tasks: dict[asyncio.Task[None], float] = {}
        """What is under way, with the time from which it counts as slow, in order of that."""
        self._is_scheduled = False
        self._timer: asyncio.TimerHandle | None = None

    def submit(
        self, text: str, row_class: "type[asyncpg.Record] | None", batched: BatchedStatement, arguments: Sequence[Any]
    ) -> "asyncio.Future[list[Any]]":
        """The rows of one run, soon. In each row another column follows after the statement's own."""
        future: asyncio.Future[list[Any]] = self._loop.create_future()
        waiting = self._pending.get(text)
        if waiting is None:
            waiting = self._pending[text] = _PendingRuns(text, row_class, batched)
        waiting.runs.append((arguments, future))
        if not self._is_scheduled:
            self._is_scheduled = True
            self._loop.call_soon(self._dispatch)
        return future

    async def close(self) -> None:
        """End what is under way."""
        for waiting in self._pending.values():
            _fail(waiting.runs, Unavailable())
        self._pending.clear()
        if self._timer is not None:
            self._timer.cancel()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _dispatch(self) -> None:
        self._is_scheduled = False
        while self._pending and self._has_capacity():
            text, waiting = next(iter(self._pending.items()))
            most = waiting.batched.max_runs
            runs, waiting.runs = waiting.runs[:most], waiting.runs[most:]
            if not waiting.runs:
                del self._pending[text]
            task = self._loop.create_task(self._send(waiting, runs))
            self._tasks[task] = self._loop.time() + _SLOW_SECONDS
            task.add_done_callback(self._on_done)
        if self._pending and self._timer is None:
            self._timer = self._loop.call_later(_SLOW_SECONDS, self._on_slow_timer)

    def _has_capacity(self) -> bool:
        """Whether another statement may leave."""
        if len(self._tasks) < _MAX_CONCURRENT_STATEMENTS:
            return True
        now = self._loop.time()
        return (
            len(self._tasks) < self._max_statements
            and sum(slow_from > now for slow_from in self._tasks.values()) < _MAX_CONCURRENT_STATEMENTS
        )

    def _on_slow_timer(self) -> None:
        self._timer = None
        self._dispatch()

    def _on_done(self, task: "asyncio.Task[None]") -> None:
        self._tasks.pop(task, None)
        if self._pending and not self._is_scheduled:
            self._dispatch()

    async def _send(self, pending: _PendingRuns, runs: "list[tuple[Sequence[Any], asyncio.Future[list[Any]]]]") -> None:
        runs = [run for run in runs if not run[1].done()]
        try:
            if len(runs) == 1:
                await self._run_single(pending, *runs[0])
            elif runs:
                await self._run_batch(pending, runs)
        except asyncio.CancelledError:
            _fail(runs, Unavailable())
            raise

    async def _run_batch(self, pending: _PendingRuns, runs: "list[tuple[Sequence[Any], asyncio.Future[list[Any]]]]") -> None:
        form = pending.batched
        try:
            rows = await self._run(form.text, form.arguments([arguments for arguments, _ in runs]), pending.row_class)
        except Exception:  # noqa: BLE001 (whatever it is, it is one run's fault or everybody's: each is told his own)
            await asyncio.gather(*(self._run_single(pending, *run) for run in runs))
            return
        form.record_row_count(len(rows), len(runs))
        parts: list[list[Any]] = [[] for _ in runs]
        for row in rows:
            parts[row[-1] - 1].append(row)
        for (_, future), part in zip(runs, parts, strict=True):
            if not future.done():
                future.set_result(part)

    async def _run_single(self, pending: _PendingRuns, arguments: Sequence[Any], future: "asyncio.Future[list[Any]]") -> None:
        try:
            rows = await self._run(pending.text, arguments, pending.row_class)
        except Exception as error:  # noqa: BLE001 (it is the asker's)
            if not future.done():
                future.set_exception(error)
        else:
            pending.batched.record_row_count(len(rows), 1)
            if not future.done():
                future.set_result(rows)


def _fail(runs: "Sequence[tuple[Sequence[Any], asyncio.Future[list[Any]]]]", error: Exception) -> None:
    for _, future in runs:
        if not future.done():
            future.set_exception(error)
            future.exception()  # counts as seen, also when nobody waits any more
