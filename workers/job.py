"""A job: work that is due at a time and may be slow or fail, such as a mail. It is written by the transaction that wants it.

To add a kind of jobs, write a function and name it in the table `workers.jobs.JOBS`:

    @job(kind="postcard")
    async def send_postcard(run: JobRun) -> None:
        answer = await run.services.printer.send(run.payload["text"])
        async with run.complete() as work:
            await work.uow.connection.execute(_RECORD, id=run.id, answer=answer)

and enqueue one, in a consumer (`batch.jobs`), a schedule (`run.jobs`) or another job (`work.jobs`):

    await batch.jobs.add("postcard", derived_id(entry.id, "postcard"), {"text": "Hello"}, run_at=tomorrow)

Its id derives from the event, so that the same job is added once. The function runs in no transaction, for `timeout_seconds` at
most. It may run again: after an exception (`RetryLater` says when, else after pauses that double), and when its worker died. What
it records in `run.complete()` is committed with the end of the job, once. A function that never calls it has recorded nothing,
and its job ends when it returns. After `max_tries` the job becomes a dead letter.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from persistence.blobs.document_objects import DocumentObjects
from persistence.engine.database import Connection
from persistence.unit_of_work import SqlUnitOfWork, unit_of_work
from persistence.workers import jobs
from persistence.workers.jobs import ClaimedJob
from workers.services import WorkerServices

TIMEOUT_SECONDS: Final = 30.0
MAX_TRIES: Final = 10
MAX_CONCURRENT_JOBS: Final = 4
PREFIX: Final = "jobs:"
"""Before a kind, in the names that wake workers."""


class RetryLater(Exception):
    """Raised by a job that wants to be tried again after so many seconds, such as an answer 429 says. Counts as a try."""

    def __init__(self, seconds: float, reason: str) -> None:
        super().__init__(reason)
        self.seconds = seconds


class Postponed(Exception):
    """Raised by a job whose turn it is not yet; it is tried again after so many seconds. Does not count as a try."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


class LeaseLost(Exception):
    """Another worker has the job by now: this one took too long, and what it wanted to record is undone."""


class JobWriter:
    """Adds jobs in a transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.kinds: set[str] = set()

    async def add(self, kind: str, job_id: UUID, payload: Mapping[str, Any], *, run_at: datetime | None = None) -> bool:
        """Add a job that is due at a time (None: now), unless there is one with its id; whether it was added."""
        self.kinds.add(kind)
        return await jobs.add(self._connection, kind, job_id, payload, run_at=run_at)


@dataclass(frozen=True, slots=True)
class Work:
    """One transaction of a worker: what is written through `uow`, and the jobs that are added."""

    uow: SqlUnitOfWork
    jobs: JobWriter


@asynccontextmanager
async def open_work(services: WorkerServices, *, objects: DocumentObjects | None = None) -> AsyncIterator[Work]:
    """A transaction, committed at the end of the block; then its events are announced, and its jobs wake workers. `objects`: the
    storage of documents, where some are written."""
    async with unit_of_work(services.database, services.announcer, objects=objects) as uow:
        work = Work(uow, JobWriter(uow.connection))
        yield work
    for kind in work.jobs.kinds | work.uow.enqueued_kinds:
        services.wake(PREFIX + kind)


class JobRun:
    """One try of a job."""

    def __init__(self, claimed: ClaimedJob, services: WorkerServices) -> None:
        self.id = claimed.id
        self.payload = claimed.payload
        self.tries = claimed.tries
        """Counts this one; each try of a job has another number, which is higher."""
        self.created_at = claimed.created_at
        self.services = services
        self.is_complete = False
        self.is_ending = False
        """Whether the transaction that ends it is about to be committed, or was."""
        self._claimed = claimed

    @asynccontextmanager
    async def complete(self, *, objects: DocumentObjects | None = None) -> AsyncIterator[Work]:
        """A transaction that ends the job. Raises LeaseLost at the end of the block."""
        async with open_work(self.services, objects=objects) as work:
            yield work
            if not await jobs.delete(work.uow.connection, self._claimed):
                raise LeaseLost
            self.is_ending = True
        self.is_complete = True


JobHandler = Callable[[JobRun], Awaitable[None]]
GiveUpHandler = Callable[[JobRun, Work], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class JobKind:
    """What is done with jobs of one kind. `kind` may never change; `concurrency` is how many a worker does at once.

    `lease_seconds`: for kinds that may take long, after how many seconds another worker takes over from one that died; a worker
    that lives renews its lease. None: the lease is as long as the timeout. `on_give_up` is called in the transaction that makes
    a dead letter of a job.
    """

    kind: str
    handle: JobHandler
    timeout_seconds: float = TIMEOUT_SECONDS
    lease_seconds: float | None = None
    max_tries: int = MAX_TRIES
    concurrency: int = MAX_CONCURRENT_JOBS
    on_give_up: GiveUpHandler | None = None


def job(
    *,
    kind: str,
    timeout_seconds: float = TIMEOUT_SECONDS,
    lease_seconds: float | None = None,
    max_tries: int = MAX_TRIES,
    concurrency: int = MAX_CONCURRENT_JOBS,
    on_give_up: GiveUpHandler | None = None,
) -> Callable[[JobHandler], JobKind]:
    """Make a kind of jobs of a function (see `JobKind`)."""
    return lambda handle: JobKind(
        kind=kind,
        handle=handle,
        timeout_seconds=timeout_seconds,
        lease_seconds=lease_seconds,
        max_tries=max_tries,
        concurrency=concurrency,
        on_give_up=on_give_up,
    )
