"""Records which fields of other tasks a change to a task alters: whether a task is blocked, and how far its sub-tasks are.

A client that holds these fields learns of them only by an event about the task that has them. Such an event changes no version
and stands in no history; its changes name the fields, without values: whoever selects them reads them from the entity, as it is
now.

Rejected: including them in the event of the task that changed (a client that follows the other one alone would miss them).
"""

from dataclasses import dataclass
from uuid import UUID

from domain.events import ChangeKind, FieldChange
from domain.ports import UnitOfWork
from domain.task.entity import CLOSED, Task
from domain.task.events import TaskEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskDerivedChanged(TaskEvent):
    """Fields of a task that follow from other tasks may have changed."""

    kind = ChangeKind.UPDATED
    fields: tuple[str, ...]

    @property
    def changes(self) -> tuple[FieldChange, ...]:
        return tuple(FieldChange(field=name) for name in self.fields)


async def record_derived(uow: UnitOfWork, actor_id: UUID | None, before: Task | None, after: Task) -> None:
    """Store and record what a written task alters in others. `before` is None for a new one; call it after the task's event."""
    changed: dict[UUID, tuple[Task, list[str]]] = {}
    if before is not None and _is_open(before) != _is_open(after):
        waiting = await uow.tasks.waiting_for(after.id)
        await uow.tasks.refresh_blocked([task.id for task in waiting])
        for task in waiting:
            if task.deleted_at is None:
                changed.setdefault(task.id, (task, []))[1].append("is_blocked")
    parent_ids = _parents_to_recount(before, after)
    for task in await uow.tasks.peek(parent_ids) if parent_ids else ():
        changed.setdefault(task.id, (task, []))[1].append("subtask_progress")
    for task, fields in changed.values():
        uow.record(TaskDerivedChanged(actor_id=actor_id, task=task, fields=tuple(fields)))


def _is_open(task: Task) -> bool:
    """Whether others wait for it."""
    return task.status not in CLOSED and task.deleted_at is None


def _parents_to_recount(before: Task | None, after: Task) -> list[UUID]:
    """The parents, past and present, whose counts of sub-tasks differ now."""
    was = None if before is None or before.deleted_at is not None else before
    now = None if after.deleted_at is not None else after
    if was is not None and now is not None and _counted(was) == _counted(now):
        return []
    return sorted({each.parent_id for each in (was, now) if each is not None and each.parent_id is not None})


def _counted(task: Task) -> tuple[object, ...]:
    return task.parent_id, task.status, task.due_on
