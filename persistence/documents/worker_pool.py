"""Where documents are worked on: small ones at once, larger ones in processes apart, so that nobody's document slows the others.

What a document costs is decided by whoever wrote it, and Python computes for one at a time: on a thread of the server a second's
work holds up everybody for a second. So all that grows with a document (reading Markdown, rendering, comparing, loading) goes to
a bench: a process that is started when it is first needed, gets bytes, answers with bytes, and ends when nobody needed it for a
while. A bench has little memory, and CPU time that follows the size of what it was given; one that overruns is killed, and the
next job gets another. A seat is kept free for what is small, so that who brings much waits for his like.

Rejected: threads (the GIL; and nothing can stop one); `ProcessPoolExecutor` (a job that hangs cannot be ended without all others,
and `fork` beside threads); working in slices on the event loop (every parser would have to be written for it).

Below `SMALL` bytes nothing can take long (`tests/content/test_bounds.py` tries), and a trip to a bench would cost more than the
work.
"""

import asyncio
import logging
import os
import pickle
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final, ParamSpec, Self, TypeVar

from content import split_update
from content.errors import TooExpensive
from content.guard import DOCUMENT_BYTES
from domain.errors import DomainError, Overloaded
from persistence.documents.worker_main import LENGTH_PREFIX

P = ParamSpec("P")
T = TypeVar("T")

MAX_INLINE_BYTES: Final = 512
MAX_UPDATE_BYTES: Final = 2 * DOCUMENT_BYTES  # what is stored already must always load
_LARGE_BYTES: Final = 64 * 1024
_QUEUE_TIMEOUT_SECONDS: Final = 5.0  # seconds that a job waits for a seat
_IDLE_TIMEOUT_SECONDS: Final = 60.0  # seconds after which a bench that nobody needed ends
_MIN_CPU_SECONDS, _MAX_CPU_SECONDS, _CPU_SECONDS_PER_BYTE = 3.0, 8.0, 20e-6  # seconds of CPU; ordinary texts take 5 µs a byte
_WALL_TIME_FACTOR: Final = 4.0  # times as long is waited for the CPU time that a job has: others may be at work
_SPLIT_CPU_SECONDS: Final = 60.0
_START_SECONDS: Final = 10.0  # seconds more for a bench that has yet to import what it needs
Job = tuple[Callable[..., Any], Any, Any]
_ROOT = Path(__file__).parents[2]
logger = logging.getLogger(__name__)


class WorkerPool:
    """The benches of one process. `seats`: how many may work at once."""

    def __init__(self, *, slots: int | None = None) -> None:
        several = slots or max(2, min(4, os.cpu_count() or 1))
        self._slots = asyncio.Semaphore(several)
        self._large_slots = asyncio.Semaphore(max(1, several - 1))
        self._idle: list[_Worker] = []
        self._busy: set[_Worker] = set()
        self._reap_timer: asyncio.TimerHandle | None = None
        self._stopping: set[asyncio.Task[None]] = set()

    @classmethod
    @asynccontextmanager
    async def open(cls, *, slots: int | None = None) -> AsyncIterator[Self]:
        """A workshop without any bench as yet; at the end all are ended."""
        workshop = cls(slots=slots)
        try:
            yield workshop
        finally:
            if workshop._reap_timer is not None:
                workshop._reap_timer.cancel()
            benches = [*workshop._idle, *workshop._busy]
            workshop._idle.clear()
            for bench in benches:
                await bench.stop()
            await asyncio.gather(*workshop._stopping)

    async def run(self, size: int, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a function whose work grows with `size` bytes. It must be found by its name in a module, and what it takes and
        gives must pickle. Raises the DomainError that it raises, RuntimeError for any other error, TooExpensive when it takes too
        long or too much memory, and Overloaded when too many wait.
        """
        if size < MAX_INLINE_BYTES:
            return function(*args, **kwargs)
        patience = min(_MAX_CPU_SECONDS, _MIN_CPU_SECONDS + size * _CPU_SECONDS_PER_BYTE)
        result: T = await self._run(patience, size, (function, args, kwargs))
        return result

    async def split_update(self, update: bytes, max_unanchored: int, *, stored: bool = False) -> list[bytes]:
        """The pieces of an update (`content.split_update`). More time is given: documents must open whatever is in them."""
        if len(update) < MAX_INLINE_BYTES:
            return split_update.split(update, max_unanchored, MAX_UPDATE_BYTES, stored=stored)
        found: list[bytes] = await self._run(
            _SPLIT_CPU_SECONDS, len(update), (split_update.split, (update, max_unanchored, MAX_UPDATE_BYTES), {"kept": stored})
        )
        return found

    async def _run(self, cpu_seconds: float, size: int, job: Job) -> Any:
        async with self._acquire(self._large_slots if size > _LARGE_BYTES else None):
            bench = self._idle.pop() if self._idle else _Worker()
            self._busy.add(bench)
            try:
                done, answer = await bench.run(cpu_seconds, job)
            except (TimeoutError, EOFError, OSError) as error:
                logger.warning("%s took too much with %d bytes: %r", job[0].__qualname__, size, error)
                raise TooExpensive(round(cpu_seconds)) from error
            finally:
                self._busy.discard(bench)
                if bench.is_healthy:
                    self._idle.append(bench)
                    self._schedule_reap()
                else:
                    ending = asyncio.get_running_loop().create_task(bench.stop())
                    self._stopping.add(ending)
                    ending.add_done_callback(self._stopping.discard)
        if done:
            return answer
        if isinstance(answer, str):
            raise RuntimeError(answer)
        kind, given, told = answer
        raised: DomainError = kind.__new__(kind, *given)
        raised.__dict__.update(told)
        raise raised

    @asynccontextmanager
    async def _acquire(self, extra_slots: asyncio.Semaphore | None) -> AsyncIterator[None]:
        taken: list[asyncio.Semaphore] = []
        try:
            try:
                async with asyncio.timeout(_QUEUE_TIMEOUT_SECONDS):
                    for turns in (extra_slots, self._slots) if extra_slots is not None else (self._slots,):
                        await turns.acquire()
                        taken.append(turns)
            except TimeoutError as error:
                raise Overloaded("Too many documents are worked on; try again.") from error
            yield
        finally:
            for turns in taken:
                turns.release()

    def _schedule_reap(self) -> None:
        if self._reap_timer is None:
            self._reap_timer = asyncio.get_running_loop().call_later(_IDLE_TIMEOUT_SECONDS, self._reap_idle)

    def _reap_idle(self) -> None:
        """End the benches that nobody needed since the last time."""
        self._reap_timer = None
        idle = [bench for bench in self._idle if not bench.was_used]
        for bench in idle:
            self._idle.remove(bench)
            ending = asyncio.get_running_loop().create_task(bench.stop())
            self._stopping.add(ending)
            ending.add_done_callback(self._stopping.discard)
        for bench in self._idle:
            bench.was_used = False
        if self._idle:
            self._schedule_reap()


class _Worker:
    """One process that works; started with its first job."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self.is_healthy = True
        self.was_used = True

    async def run(self, cpu_seconds: float, job: Job) -> tuple[bool, Any]:
        """Whether the job was done, and its result, or what it raised. After TimeoutError, EOFError or OSError it is of no more
        use."""
        self.is_healthy = False
        self.was_used = True
        async with asyncio.timeout(cpu_seconds * _WALL_TIME_FACTOR + (_START_SECONDS if self._process is None else 0.0)):
            if self._process is None:
                self._process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-m", "persistence.documents.worker_main", str(os.getpid())),
                    cwd=_ROOT,
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    limit=1024 * 1024,
                )
            there, back = self._process.stdin, self._process.stdout
            assert there is not None
            assert back is not None
            told = pickle.dumps((cpu_seconds, job), pickle.HIGHEST_PROTOCOL)
            there.write(LENGTH_PREFIX.pack(len(told)))
            there.write(told)
            await there.drain()
            (length,) = LENGTH_PREFIX.unpack(await back.readexactly(LENGTH_PREFIX.size))
            answer: tuple[bool, Any] = pickle.loads(await back.readexactly(length))  # noqa: S301 (our own process)
        self.is_healthy = True
        return answer

    async def stop(self) -> None:
        """Kill the process, which holds nothing that anybody misses."""
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(ProcessLookupError):
            process.kill()
        # Whatever it still wrote is read away: only then does asyncio let go of the pipes.
        await process.communicate()
