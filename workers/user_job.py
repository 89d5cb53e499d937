"""Does a job that a person has started (`domain.job`), as work of the queue (`workers.job`) under the same id.

It begins when it is its turn, records at most once a second how far it is, and stops within a second of being canceled. A worker
that dies loses its lease: the next try starts anew, and what the first has left is never seen. What the job came to is recorded
by the transaction that ends it in the queue, once.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final
from uuid import UUID

from domain import job as jobs
from domain.errors import DomainError, Unavailable
from domain.job import Job, JobFile, JobIssue, JobStopped
from domain.job.entity import file_key
from persistence.blobs.document_objects import DocumentObjects
from workers.job import JobRun, Postponed, Work, open_work
from workers.job_notification import notify_finished
from workers.services import WorkerServices

LEASE_SECONDS: Final = 20.0
TIMEOUT_SECONDS: Final = 2 * 3600.0
MAX_TRIES: Final = 4
_TURN_SECONDS: Final = 1.0
_STEP_SECONDS: Final = 1.0
_STEP_SHARE: Final = 0.01
_MAX_SILENCE_SECONDS: Final = 5.0
GIVEN_UP: Final = "The server could not do it; it tried several times."
logger = logging.getLogger(__name__)


class UserJobRun:
    """One try of a job that is under way. `issues` may be added to until its end."""

    def __init__(self, run: JobRun, job: Job) -> None:
        self.job = job
        self.services: WorkerServices = run.services
        self.files: list[JobFile] = []
        self._run = run
        self._recorded_at = asyncio.get_running_loop().time()
        self._recorded_share = 0.0

    async def advance(self, rows_done: int, rows_total: int | None, message: str | None = None) -> None:
        """Record how far the job is, unless that was done a moment ago. Raises JobStopped where it was canceled."""
        now = asyncio.get_running_loop().time()
        if now < self._recorded_at + _STEP_SECONDS:
            return
        share = rows_done / rows_total if rows_total else 0.0
        if share < self._recorded_share + _STEP_SHARE and now < self._recorded_at + _MAX_SILENCE_SECONDS:
            await self.require_running()
            return
        self._recorded_at, self._recorded_share = now, share
        async with open_work(self.services) as work:
            await jobs.advance(
                work.uow, self.job.id, self.job.attempt, rows_done=rows_done, rows_total=rows_total, message=message
            )

    async def require_running(self) -> None:
        """Raises JobStopped where the job was canceled."""
        async with open_work(self.services) as work:
            await jobs.require_running(work.uow, self.job.id, self.job.attempt)

    async def add_file(self, name: str, content_type: str, file: Any) -> None:
        """Store an open file as a file of the job, which is seen when the job has succeeded."""
        key = file_key(self.job.id, self.job.attempt, len(self.files))
        size = await self.services.blobs.put_file(key, file, content_type=content_type)
        self.files.append(JobFile(name=name, content_type=content_type, byte_size=size, key=key))

    @asynccontextmanager
    async def succeed(
        self,
        *,
        rows_done: int,
        message: str | None = None,
        result: dict[str, Any] | None = None,
        issues: Sequence[JobIssue] = (),
        project_ids: Sequence[UUID] = (),
        objects: DocumentObjects | None = None,
    ) -> AsyncIterator[Work]:
        """The transaction in which the job ends; what the block writes is committed with its end, or not at all. Raises
        JobStopped and LeaseLost at the end of the block."""
        async with self._run.complete(objects=objects) as work:
            yield work
            job = await jobs.succeed(
                work.uow,
                self.job.id,
                self.job.attempt,
                rows_done=rows_done,
                message=message,
                result=result,
                files=self.files,
                issues=issues,
                project_ids=project_ids,
            )
            await notify_finished(work, job)


class JobRefused(DomainError):
    """The data of the job cannot be worked on; `issues` say why."""

    code = "INVALID"

    def __init__(self, message: str, issues: Sequence[JobIssue] = ()) -> None:
        super().__init__(message)
        self.issues = issues


async def run_user_job(run: JobRun, do: Callable[[UserJobRun], Awaitable[None]]) -> None:
    """Do a job when it is its turn. `do` ends with `UserJobRun.succeed`, or raises what the person is told.

    Raises Postponed, and whatever unexpected `do` raises, after which the job is tried again.
    """
    try:
        async with open_work(run.services) as work:
            job = await jobs.begin(work.uow, run.id, run.tries)
        if job is None:
            raise Postponed(_TURN_SECONDS)
        running = UserJobRun(run, job)
        try:
            await do(running)
        except Unavailable:
            raise
        except DomainError as error:
            issues = error.issues if isinstance(error, JobRefused) else ()
            async with run.complete() as work:
                failed = await jobs.fail(work.uow, job.id, job.attempt, error.message, issues=issues, files=running.files)
                if failed is not None:
                    await notify_finished(work, failed)
    except JobStopped:
        logger.info("Job %s has ended already.", run.id)
        async with open_work(run.services) as work:
            await jobs.discard_leftovers(work.uow, run.id, run.tries)


async def on_give_up(run: JobRun, work: Work) -> None:
    """Record that a job has failed for good."""
    failed = await jobs.fail(work.uow, run.id, run.tries, GIVEN_UP)
    if failed is not None:
        await notify_finished(work, failed)
