"""What a task is."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from domain.collation import collation_key
from domain.recurrence import next_day


class TaskStatus(StrEnum):
    """The columns of a board, in order."""

    BACKLOG = "BACKLOG"
    TODO = "TODO"
    IN_PROGRESS = "IN_PROGRESS"
    IN_REVIEW = "IN_REVIEW"
    DONE = "DONE"
    CANCELED = "CANCELED"


class TaskPriority(StrEnum):
    """How pressing a task is, in order."""

    NONE = "NONE"
    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"
    URGENT = "URGENT"


CLOSED = frozenset({TaskStatus.DONE, TaskStatus.CANCELED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One piece of work in a project. `key` is its name among people (ENG-42); `rank` sorts it in its project."""

    type_name: ClassVar[str] = "Task"
    stored_properties: ClassVar[tuple[str, ...]] = ("title_collation", "recurs_on")

    id: UUID
    version: int = 1
    created_at: datetime
    updated_at: datetime
    team_id: UUID
    project_id: UUID
    parent_id: UUID | None = None
    number: int
    key: str
    title: str
    description: str | None = None
    status: TaskStatus = TaskStatus.TODO
    priority: TaskPriority = TaskPriority.NONE
    assignee_id: UUID | None = None
    creator_id: UUID | None = None
    start_on: date | None = None
    due_on: date | None = None
    completed_at: datetime | None = None
    estimate: float | None = None
    label_ids: tuple[UUID, ...] = ()
    rank: str
    deleted_at: datetime | None = None
    external_ref: str | None = None
    recurrence: str | None = None
    """A rule (`domain.recurrence`) whose series begins on the due day."""

    @property
    def is_overdue(self) -> bool:
        """Whether the due day is over (in UTC) and the task still open."""
        return self.due_on is not None and self.status not in CLOSED and self.due_on < datetime.now(UTC).date()

    @property
    def title_collation(self) -> str:
        """What the title sorts and is searched by."""
        return collation_key(self.title)

    @property
    def recurs_on(self) -> date | None:
        """The day on which the next of its series is made, unless this one is closed before."""
        if self.recurrence is None or self.due_on is None:
            return None
        return next_day(self.recurrence, self.due_on)
