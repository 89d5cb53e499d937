"""Says how what happens to tasks changes the numbers of tasks that are kept for each project, by status and by due day.

A task counts in its project unless it is deleted. Only events change these numbers, and what stores an event changes them with it
(`persistence.events.streams`), so every change of a task's project, status, due day or deletion must be an event.
"""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from domain.events import Event
from domain.task.entity import Task
from domain.task.events import TaskCreated, TaskDeleted, TaskMoved, TaskRestored, TaskUpdated


@dataclass(frozen=True, slots=True)
class CountChange:
    """A task of this kind more (1) or less (-1)."""

    project_id: UUID
    status: str
    due_on: date | None
    delta: int


def count_changes(event: Event) -> tuple[CountChange, ...]:
    """How an event changes the numbers."""
    match event:
        case TaskCreated(task=task) | TaskRestored(task=task):
            return (_change(task, 1),)
        case TaskDeleted(task=task):
            return (_change(task, -1),)
        case TaskUpdated(task=task, before=before) | TaskMoved(task=task, before=before):
            if task.deleted_at is not None:
                return ()
            left, entered = _change(before, -1), _change(task, 1)
            same = (left.project_id, left.status, left.due_on) == (entered.project_id, entered.status, entered.due_on)
            return () if same else (left, entered)
    return ()


def _change(task: Task, delta: int) -> CountChange:
    return CountChange(task.project_id, task.status, task.due_on, delta)
