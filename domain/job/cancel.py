"""Canceling a job, at any moment before its end."""

from uuid import UUID

from domain.actor import Actor
from domain.errors import NotFound
from domain.job.entity import FINISHED, Job, JobState
from domain.job.events import updated
from domain.ports import UnitOfWork
from domain.version import require_version, with_changes


async def cancel(uow: UnitOfWork, actor: Actor, job_id: UUID, *, expected_version: int | None = None) -> Job:
    """End one of the actor's own jobs, of which nothing is left; one that has ended stays as it is."""
    before = await uow.jobs.lock(job_id, actor.user_id)
    if before is None:
        raise NotFound(("input", "id"))
    if before.state in FINISHED:
        return before
    require_version(before, expected_version)
    job = with_changes(before, uow.now, state=JobState.CANCELED, finished_at=uow.now, message=None)
    await uow.jobs.save(job)
    await uow.jobs.dequeue(job)
    await uow.jobs.discard_files(job, now=uow.now)
    uow.record(updated(before, job, actor_id=actor.user_id))
    return job
