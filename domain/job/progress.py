"""How a job comes along: begun by a worker, further and further, and its end. Only the worker whose try it is changes it."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

from domain.job.entity import FINISHED, MAX_ISSUES, Job, JobFile, JobIssue, JobState
from domain.job.events import updated
from domain.ports import UnitOfWork
from domain.version import with_changes


class JobStopped(Exception):
    """The job was canceled, is gone, or another worker does it: what this one does is in vain."""


async def begin(uow: UnitOfWork, job_id: UUID, attempt: int) -> Job | None:
    """The job, which runs from now on; None where it is not its turn yet. Raises JobStopped.

    What an earlier try has left is discarded, and the job starts anew.
    """
    before = await uow.jobs.lock_for_worker(job_id)
    if before is None or before.state in FINISHED or before.attempt > attempt:
        raise JobStopped
    if not await uow.jobs.is_turn(before):
        return None
    job = with_changes(
        before,
        uow.now,
        state=JobState.RUNNING,
        attempt=attempt,
        rows_done=0,
        rows_total=None,
        message=None,
        started_at=uow.now,
    )
    await uow.jobs.save(job)
    if before.attempt:
        await uow.jobs.discard_files(job, now=uow.now, except_attempt=attempt)
    uow.record(updated(before, job))
    return job


async def advance(
    uow: UnitOfWork, job_id: UUID, attempt: int, *, rows_done: int, rows_total: int | None, message: str | None
) -> Job:
    """Record how far a job is. Raises JobStopped."""
    before = await _running(uow, job_id, attempt)
    job = with_changes(before, uow.now, rows_done=rows_done, rows_total=rows_total, message=message)
    if job is not before:
        await uow.jobs.save(job)
        uow.record(updated(before, job))
    return job


async def succeed(
    uow: UnitOfWork,
    job_id: UUID,
    attempt: int,
    *,
    rows_done: int,
    message: str | None = None,
    result: dict[str, Any] | None = None,
    files: Sequence[JobFile] = (),
    issues: Sequence[JobIssue] = (),
    project_ids: Sequence[UUID] = (),
) -> Job:
    """Record what came of a job. Raises JobStopped."""
    before = await _running(uow, job_id, attempt)
    job = with_changes(
        before,
        uow.now,
        state=JobState.SUCCEEDED,
        finished_at=uow.now,
        rows_done=rows_done,
        rows_total=rows_done,
        message=message,
        result=result,
        files=tuple(asdict(each) for each in files),
        issues=tuple(asdict(each) for each in issues[:MAX_ISSUES]),
        project_ids=tuple(project_ids),
    )
    await uow.jobs.save(job)
    uow.record(updated(before, job))
    return job


async def fail(
    uow: UnitOfWork,
    job_id: UUID,
    attempt: int,
    message: str,
    *,
    files: Sequence[JobFile] = (),
    issues: Sequence[JobIssue] = (),
    result: dict[str, Any] | None = None,
) -> Job | None:
    """Record that a job has failed for good; None where it has ended before."""
    before = await uow.jobs.lock_for_worker(job_id)
    if before is None or before.state in FINISHED:
        return None
    job = with_changes(
        before,
        uow.now,
        state=JobState.FAILED,
        finished_at=uow.now,
        message=message,
        result=result,
        files=tuple(asdict(each) for each in files),
        issues=tuple(asdict(each) for each in issues[:MAX_ISSUES]),
    )
    await uow.jobs.save(job)
    await uow.jobs.discard_files(job, now=uow.now, except_attempt=attempt if files else None)
    uow.record(updated(before, job))
    return job


async def require_running(uow: UnitOfWork, job_id: UUID, attempt: int) -> None:
    """Raises JobStopped unless this try of the job is the one that counts."""
    await _running(uow, job_id, attempt)


async def discard_leftovers(uow: UnitOfWork, job_id: UUID, attempt: int) -> None:
    """Let the files of a try be deleted that was in vain; it may have stored them after the job had ended."""
    job = await uow.jobs.lock_for_worker(job_id)
    if job is None or job.attempt != attempt or not job.files:
        await uow.jobs.discard_try(job_id, attempt, now=uow.now)


async def _running(uow: UnitOfWork, job_id: UUID, attempt: int) -> Job:
    job = await uow.jobs.lock_for_worker(job_id)
    if job is None or job.state != JobState.RUNNING or job.attempt != attempt:
        raise JobStopped
    return job
