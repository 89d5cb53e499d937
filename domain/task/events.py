"""What can happen to a task."""

from dataclasses import dataclass
from functools import partial
from uuid import UUID

from domain.attachment import Attachment, AttachmentTarget, file_changes
from domain.events import ChangeKind, Event, FieldChange, difference, team_stream
from domain.task.entity import Task


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskEvent(Event):
    """Something about a task, visible to those who may see its project."""

    task: Task

    @property
    def stream(self) -> str:
        return team_stream(self.task.team_id)

    @property
    def entity(self) -> Task:
        return self.task

    @property
    def project_id(self) -> UUID | None:
        return self.task.project_id


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskCreated(TaskEvent):
    """A task was created."""

    kind = ChangeKind.CREATED


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskUpdated(TaskEvent):
    """A task's attributes changed; assignment, status and labels among them."""

    kind = ChangeKind.UPDATED
    before: Task

    @property
    def changes(self) -> tuple[FieldChange, ...]:
        return difference(self.before, self.task)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskMoved(TaskEvent):
    """A task changed its project, parent, column or place."""

    kind = ChangeKind.MOVED
    before: Task

    @property
    def changes(self) -> tuple[FieldChange, ...]:
        return difference(self.before, self.task)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRankCompacted(TaskEvent):
    """The rank of a task became shorter; its place in its list is the same, and so is its version.

    It stands in the history of no task: nobody did anything.
    """

    kind = ChangeKind.UPDATED

    @property
    def about(self) -> tuple[str, UUID] | None:
        return "Project", self.task.project_id

    @property
    def changes(self) -> tuple[FieldChange, ...]:
        return (FieldChange(field="rank", after=self.task.rank),)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskMovedAway(TaskEvent):
    """The task left a project: for those who see only that one; `task` is as it was."""

    kind = ChangeKind.ACCESS_LOST


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskDeleted(TaskEvent):
    """A task was deleted; it can be restored."""

    kind = ChangeKind.DELETED


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRestored(TaskEvent):
    """A deleted task came back."""

    kind = ChangeKind.RESTORED


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFilesChanged(TaskEvent):
    """Files were attached to a task, or removed."""

    kind = ChangeKind.ATTACHED
    added: tuple[Attachment, ...] = ()
    removed: tuple[Attachment, ...] = ()

    @property
    def changes(self) -> tuple[FieldChange, ...]:
        return file_changes(self.added, self.removed)


def task_attachment_target(task: Task) -> AttachmentTarget:
    """A task that files are put on."""
    return AttachmentTarget(task, (task.type_name, task.id), partial(TaskFilesChanged, task=task))
