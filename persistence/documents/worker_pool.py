"""Runs CPU-heavy work on documents and pictures: small inputs inline, larger ones in worker processes, with a fair share for
each person.

What a document costs is decided by whoever wrote it, and Python computes one thing at a time: on a thread of the server, a second
of work stops everybody for a second. So all that grows with a document (parsing Markdown, rendering, comparing, loading) runs in
a worker: a process that is started when it is first needed, gets bytes, answers with bytes, and ends when it was idle for a
while. A worker has little memory, and CPU time that follows the size of its input; one that exceeds either is killed, and the
next job gets another. Which job is next is decided by `transport.fair_scheduler`: small jobs first, and no person takes all
workers, however many connections they open.

Rejected: threads (the GIL; and nothing can stop one); `ProcessPoolExecutor` (a job that hangs cannot be ended without all others,
and `fork` beside threads); slices on the event loop (every parser would have to be written for it).

Below `MAX_INLINE_BYTES` nothing can take long (`tests/content/test_bounds.py` tries), and a trip to a worker would cost more than
the work.
"""

import asyncio
import logging
import os
import pickle
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final, Self, TypeVar

from content import split_update
from content.errors import TooExpensive
from content.guard import MAX_DOCUMENT_BYTES
from domain.errors import DomainError, Overloaded, Unavailable
from persistence.documents.rendering import warm_up
from persistence.documents.worker_main import LENGTH_PREFIX
from transport.fair_scheduler import Owner, QueueFull
from transport.fair_semaphore import FairSemaphore

T = TypeVar("T")

MAX_INLINE_BYTES: Final = 512
MEMORY_BYTES: Final = 2 * 1024**3
MAX_UPDATE_BYTES: Final = 2 * MAX_DOCUMENT_BYTES  # what is stored already must always load
_LARGE_BYTES: Final = 16 * 1024
_MIN_SLOTS, _MAX_SLOTS = 3, 5
_MAX_WAITING_PER_OWNER: Final = 256
_MAX_WAITING: Final = 2_048
_QUEUE_TIMEOUT_SECONDS: Final = 8.0  # of a request, which has 10 s
_SPLIT_QUEUE_TIMEOUT_SECONDS: Final = 60.0  # of an edit, for which its connection waits
_IDLE_TIMEOUT_SECONDS: Final = 60.0
_MIN_CPU_SECONDS, _MAX_CPU_SECONDS, _CPU_SECONDS_PER_BYTE = 3.0, 8.0, 20e-6
_EXPECTED_CPU_SECONDS, _EXPECTED_CPU_SECONDS_PER_BYTE = 0.001, 5e-6  # of ordinary texts
_WALL_TIME_FACTOR: Final = 4.0  # wall time per CPU second of a job: the machine may be busy with others
_STORED_CPU_SECONDS: Final = 60.0
_CLOSE_TIMEOUT_SECONDS: Final = 10.0
_CLOSE_POLL_SECONDS: Final = 0.01
_START_TIMEOUT_SECONDS: Final = 10.0  # more, for a worker that has yet to import what it needs
Job = tuple[Callable[..., Any], Any, Any]
_ROOT = Path(__file__).parents[2]
logger = logging.getLogger(__name__)


class WorkerPool:
    """
    The workers of one process.

    `slots`: how many may work at once; `memory_bytes`: the address space of each; `warm_up`: loads what most jobs need.
    """

    def __init__(
        self, *, slots: int | None = None, memory_bytes: int = MEMORY_BYTES, warm_up: Callable[[], object] = warm_up
    ) -> None:
        self._slot_count = slots or max(_MIN_SLOTS, min(_MAX_SLOTS, (os.cpu_count() or 1) + 1))
        self._slots = FairSemaphore(
            slots=self._slot_count, max_waiting=_MAX_WAITING, max_waiting_per_owner=_MAX_WAITING_PER_OWNER
        )
        self._memory_bytes = memory_bytes
        self._warm_up = warm_up
        self._idle: list[_Worker] = []
        self._busy: set[_Worker] = set()
        self._reap_timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_closed = False
        self._is_starting_spare = False

    @classmethod
    @asynccontextmanager
    async def open(
        cls, *, slots: int | None = None, memory_bytes: int = MEMORY_BYTES, warm_up: Callable[[], object] = warm_up
    ) -> AsyncIterator[Self]:
        """A pool without any worker as yet; at the end all are killed."""
        pool = cls(slots=slots, memory_bytes=memory_bytes, warm_up=warm_up)
        try:
            yield pool
        finally:
            await pool._close()

    @property
    def waiting(self) -> int:
        """How many jobs wait for a worker."""
        return self._slots.waiting

    async def run(self, size: int, function: Callable[..., T], *args: Any, owner: Owner = None, **kwargs: Any) -> T:
        """
        Call a function whose work grows with `size` bytes, on behalf of `owner` (None: the server itself).

        Below MAX_INLINE_BYTES it is called in this process. The function must be found by its name in a module; its arguments and
        its result must pickle. Raises the DomainError that it raises, RuntimeError for any other error, TooExpensive when it
        takes too long or too much memory, and Overloaded when too many jobs wait.
        """
        if size < MAX_INLINE_BYTES:
            return function(*args, **kwargs)
        result: T = await self._run(owner, _cpu_seconds(size), _QUEUE_TIMEOUT_SECONDS, size, (function, args, kwargs))
        return result

    async def split_update(self, update: bytes, max_unanchored: int, *, stored: bool = False, owner: Owner = None) -> list[bytes]:
        """
        The pieces of an update (`content.split_update`).

        What is `stored` is given more time: documents must open whatever is in them. Raises InvalidUpdate, UpdateTooLarge, and
        what `run` raises.
        """
        if len(update) < MAX_INLINE_BYTES:
            return split_update.split(update, max_unanchored, MAX_UPDATE_BYTES, stored=stored)
        job = (split_update.split, (update, max_unanchored, MAX_UPDATE_BYTES), {"stored": stored})
        cpu_seconds = _STORED_CPU_SECONDS if stored else _cpu_seconds(len(update))
        found: list[bytes] = await self._run(owner, cpu_seconds, _SPLIT_QUEUE_TIMEOUT_SECONDS, len(update), job)
        return found

    async def _run(self, owner: Owner, cpu_seconds: float, queue_timeout_seconds: float, size: int, job: Job) -> Any:
        expected_seconds = _EXPECTED_CPU_SECONDS + size * _EXPECTED_CPU_SECONDS_PER_BYTE
        async with self._slot(owner, expected_seconds, size > _LARGE_BYTES, queue_timeout_seconds):
            worker = self._take_worker(is_large=size > _LARGE_BYTES)
            try:
                is_done, answer = await worker.run(cpu_seconds, job)
            except (TimeoutError, EOFError, OSError) as error:
                if self._is_closed:
                    raise Unavailable from error
                logger.warning("%s exceeded its time or memory with %d bytes: %r", job[0].__qualname__, size, error)
                raise TooExpensive(round(cpu_seconds)) from error
            finally:
                self._return_worker(worker)
        if is_done:
            return answer
        if isinstance(answer, str):
            raise RuntimeError(answer)
        kind, args, attributes = answer
        raised: DomainError = kind.__new__(kind, *args)
        raised.__dict__.update(attributes)
        raise raised

    @asynccontextmanager
    async def _slot(self, owner: Owner, expected_seconds: float, is_large: bool, timeout_seconds: float) -> AsyncIterator[None]:
        slot = self._slots.slot(owner, cost_seconds=expected_seconds, is_large=is_large, timeout_seconds=timeout_seconds)
        try:
            await slot.__aenter__()
        except (TimeoutError, QueueFull) as error:
            raise Overloaded("Too many documents are worked on; try again.") from error
        try:
            yield
        finally:
            await slot.__aexit__(None, None, None)

    async def _close(self) -> None:
        """Kill all workers; jobs that still run fail."""
        self._is_closed = True
        if self._reap_timer is not None:
            self._reap_timer.cancel()
        idle, self._idle = self._idle, []
        for worker in idle:
            await worker.stop()
        with suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_TIMEOUT_SECONDS):
                while self._busy or self._tasks:
                    for worker in self._busy:
                        worker.kill()
                    await asyncio.sleep(_CLOSE_POLL_SECONDS)

    def _take_worker(self, *, is_large: bool) -> "_Worker":
        # A large job leaves the last idle worker to a small one, and waits for a process to start itself.
        may_take = len(self._idle) > is_large or len(self._idle) + len(self._busy) >= self._slot_count
        worker = self._idle.pop() if self._idle and may_take else _Worker(self._memory_bytes)
        self._busy.add(worker)
        self._ensure_spare()
        return worker

    def _ensure_spare(self) -> None:
        """Start a worker where none is idle: whoever comes next does not wait for a process to start."""
        if not self._idle and not self._is_starting_spare and len(self._busy) < self._slot_count and not self._is_closed:
            self._is_starting_spare = True
            self._start_task(self._start_spare())

    def _return_worker(self, worker: "_Worker") -> None:
        self._busy.discard(worker)
        if worker.is_healthy and not self._is_closed:
            self._idle.append(worker)
            self._schedule_reap()
        else:
            self._start_task(worker.stop())
            if self._busy:
                self._ensure_spare()

    async def _start_spare(self) -> None:
        worker = _Worker(self._memory_bytes)
        self._busy.add(worker)
        try:
            await worker.run(_MIN_CPU_SECONDS, (self._warm_up, (), {}))
        except (TimeoutError, EOFError, OSError) as error:
            if not self._is_closed:
                logger.warning("A spare worker did not start: %r", error)
        finally:
            self._is_starting_spare = False
            self._return_worker(worker)

    def _start_task(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _schedule_reap(self) -> None:
        if self._reap_timer is None:
            self._reap_timer = asyncio.get_running_loop().call_later(_IDLE_TIMEOUT_SECONDS, self._reap_idle)

    def _reap_idle(self) -> None:
        """End the workers that were idle since the last time."""
        self._reap_timer = None
        for worker in [each for each in self._idle if not each.was_used]:
            self._idle.remove(worker)
            self._start_task(worker.stop())
        for worker in self._idle:
            worker.was_used = False
        if self._idle:
            self._schedule_reap()


def _cpu_seconds(size: int) -> float:
    """The CPU time of a job on so many bytes, at most."""
    return min(_MAX_CPU_SECONDS, _MIN_CPU_SECONDS + size * _CPU_SECONDS_PER_BYTE)


class _Worker:
    """One worker process, started with its first job."""

    def __init__(self, memory_bytes: int) -> None:
        self._memory_bytes = memory_bytes
        self._process: asyncio.subprocess.Process | None = None
        self.is_healthy = True
        self.was_used = True

    async def run(self, cpu_seconds: float, job: Job) -> tuple[bool, Any]:
        """Whether the job was done, and its result, or what it raised. Of no more use after TimeoutError, EOFError or OSError."""
        self.is_healthy = False
        self.was_used = True
        async with asyncio.timeout(cpu_seconds * _WALL_TIME_FACTOR + (_START_TIMEOUT_SECONDS if self._process is None else 0.0)):
            if self._process is None:
                self._process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-m", "persistence.documents.worker_main", str(os.getpid()), str(self._memory_bytes)),
                    cwd=_ROOT,
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    limit=1024 * 1024,
                )
            jobs, answers = self._process.stdin, self._process.stdout
            assert jobs is not None
            assert answers is not None
            message = pickle.dumps((cpu_seconds, job), pickle.HIGHEST_PROTOCOL)
            jobs.write(LENGTH_PREFIX.pack(len(message)))
            jobs.write(message)
            await jobs.drain()
            (length,) = LENGTH_PREFIX.unpack(await answers.readexactly(LENGTH_PREFIX.size))
            answer: tuple[bool, Any] = pickle.loads(await answers.readexactly(length))  # noqa: S301 (our own process)
        self.is_healthy = True
        return answer

    def kill(self) -> None:
        """Kill the process; the job that it runs fails, and who waits for that has to `stop` it."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.kill()

    async def stop(self) -> None:
        """Kill the process; nothing that it holds is missed."""
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(ProcessLookupError):
            process.kill()
        # What it still wrote is read: only then does asyncio close the pipes.
        await process.communicate()
