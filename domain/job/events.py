"""What can happen to a job, in the stream of the person who started it."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from domain.events import ChangeKind, Event, FieldChange, difference, user_stream
from domain.job.entity import Job, JobKind, JobState


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedJob:
    """A job as its events carry it, without what it was asked for and what it found."""

    type_name: ClassVar[str] = "Job"

    id: UUID
    version: int
    kind: JobKind
    state: JobState
    rows_done: int
    rows_total: int | None
    message: str | None

    @classmethod
    def of(cls, job: Job) -> "LoggedJob":
        """So much of a job."""
        return cls(
            id=job.id,
            version=job.version,
            kind=JobKind(job.kind),
            state=JobState(job.state),
            rows_done=job.rows_done,
            rows_total=job.rows_total,
            message=job.message,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class JobEvent(Event):
    """Something about a job."""

    user_id: UUID
    job: LoggedJob

    @property
    def stream(self) -> str:
        return user_stream(self.user_id)

    @property
    def entity(self) -> LoggedJob:
        return self.job


@dataclass(frozen=True, slots=True, kw_only=True)
class JobCreated(JobEvent):
    """A person has started a job."""

    kind = ChangeKind.CREATED


@dataclass(frozen=True, slots=True, kw_only=True)
class JobUpdated(JobEvent):
    """A job has come further, or ended."""

    kind = ChangeKind.UPDATED
    before: LoggedJob

    @property
    def changes(self) -> tuple[FieldChange, ...]:
        return difference(self.before, self.job)


def updated(before: Job, after: Job, *, actor_id: UUID | None = None) -> JobUpdated:
    """The event of a change; `actor_id` is None for what the server did."""
    return JobUpdated(actor_id=actor_id, user_id=after.creator_id, job=LoggedJob.of(after), before=LoggedJob.of(before))
