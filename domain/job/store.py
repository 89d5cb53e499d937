"""Stores jobs, and the work that they are for the workers."""

from datetime import datetime
from typing import Protocol
from uuid import UUID

from domain.job.entity import Job


class JobStore(Protocol):
    """Stores jobs."""

    async def add(self, job: Job) -> None:
        """Store a new job, and enqueue it for the workers."""
        ...

    async def count_unfinished_locked(self, user_id: UUID, team_id: UUID) -> tuple[int, int]:
        """How many jobs of a person, and of a team, have not ended; further ones are started only after this operation."""
        ...

    async def lock(self, job_id: UUID, user_id: UUID) -> Job | None:
        """A person's own job, held until the end of the operation."""
        ...

    async def lock_for_worker(self, job_id: UUID) -> Job | None:
        """The same for a worker that does it."""
        ...

    async def is_turn(self, job: Job) -> bool:
        """Whether no older job of its person is unfinished, and only few older ones of its team are."""
        ...

    async def save(self, job: Job) -> None: ...
    async def dequeue(self, job: Job) -> None:
        """Take a job from the workers."""
        ...

    async def discard_files(self, job: Job, *, now: datetime, except_attempt: int | None = None) -> None:
        """Let the files of all its tries be deleted, those of one excepted."""
        ...

    async def discard_try(self, job_id: UUID, attempt: int, *, now: datetime) -> None:
        """Let the files of one try be deleted."""
        ...

    async def remove_all(self, user_id: UUID, now: datetime) -> None:
        """Delete all jobs of a person, with their files."""
        ...
