"""Deletes a task with its sub-tasks, and restores both."""

from uuid import UUID

from domain.actor import Actor
from domain.errors import Invalid
from domain.permissions import Action
from domain.ports import UnitOfWork
from domain.task.derived import record_derived
from domain.task.entity import Task
from domain.task.events import TaskDeleted, TaskRestored
from domain.task.store import open_task
from domain.version import require_version, with_changes


async def delete(uow: UnitOfWork, actor: Actor, task_id: UUID, *, expected_version: int | None) -> UUID:
    """Delete a task; its sub-tasks go with it. Deleting a deleted task changes nothing."""
    before, _ = await open_task(uow, actor, task_id, Action.DELETE)
    require_version(before, expected_version)
    if before.deleted_at is None:
        present = [each for each in (before, *await uow.tasks.lock_descendants(before.id)) if each.deleted_at is None]
        deleted = [with_changes(each, uow.now, deleted_at=uow.now) for each in present]
        for task in deleted:
            await uow.tasks.save(task)
            uow.record(TaskDeleted(actor_id=actor.user_id, task=task))
        for each, task in zip(present, deleted, strict=True):
            await record_derived(uow, actor.user_id, each, task)
    return before.id


async def restore(uow: UnitOfWork, actor: Actor, task_id: UUID) -> Task:
    """Restore a task, with the sub-tasks that were deleted together with it."""
    before, _ = await open_task(uow, actor, task_id, Action.DELETE)
    if before.deleted_at is None:
        return before
    if before.parent_id is not None:
        parent, _ = await open_task(uow, actor, before.parent_id, Action.READ)
        if parent.deleted_at is not None:
            raise Invalid(("input", "id"), "Restore the task above it first.")
    below = await uow.tasks.lock_descendants(before.id)
    gone = [before, *(each for each in below if each.deleted_at == before.deleted_at)]
    restored = [with_changes(each, uow.now, deleted_at=None) for each in gone]
    for task in restored:
        await uow.tasks.save(task)
        uow.record(TaskRestored(actor_id=actor.user_id, task=task))
    for each, task in zip(gone, restored, strict=True):
        await record_derived(uow, actor.user_id, each, task)
    return restored[0]
