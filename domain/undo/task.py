"""Reverses what happened to tasks."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from domain import rank, reference, watch
from domain import task as tasks
from domain.actor import Actor
from domain.errors import Forbidden, NotUndoable, UndoConflict
from domain.events import Entry, FieldChange
from domain.permissions import Access, Action, ResourceKind
from domain.ports import UnitOfWork
from domain.project import open_project
from domain.task import Task, TaskMoved, TaskMovedAway, TaskUpdated, checks, open_task
from domain.task.derived import record_derived
from domain.task.move import move_descendant
from domain.undo.change_log import Call, changed_fields
from domain.undo.fields import require_as_created, require_present, require_same_deletion, values_before
from domain.version import with_changes

_PATH = ("input", "changeId")


async def delete_created(uow: UnitOfWork, actor: Actor, entry: Entry, call: Call) -> None:
    """A task that was created is deleted, unless it has changed, or others lie under it."""
    task, _ = await open_task(uow, actor, entry.entity_id, Action.DELETE, _PATH)
    below = await uow.tasks.lock_descendants(task.id)
    require_as_created(task, entry, more={"subtasks": _count_present(below)})
    await tasks.delete(uow, actor, task.id, expected_version=None)


async def restore(uow: UnitOfWork, actor: Actor, entry: Entry, call: Call) -> None:
    """A task that was deleted comes back, with what was deleted together with it."""
    task, _ = await open_task(uow, actor, entry.entity_id, Action.DELETE, _PATH)
    require_same_deletion(task, entry)
    await tasks.restore(uow, actor, task.id)


async def delete_restored(uow: UnitOfWork, actor: Actor, entry: Entry, call: Call) -> None:
    """A task that came back is deleted again with what came with it, unless others have been put under it since."""
    task, _ = await open_task(uow, actor, entry.entity_id, Action.DELETE, _PATH)
    require_same_deletion(task, entry)
    came = call.ids_of("TaskRestored")
    others = [each for each in await uow.tasks.lock_descendants(task.id) if each.id not in came]
    if count := _count_present(others):
        raise UndoConflict(task, [FieldChange(field="subtasks", before=0, after=count)])
    await tasks.delete(uow, actor, task.id, expected_version=None)


async def update_back(uow: UnitOfWork, actor: Actor, entry: Entry, call: Call) -> None:
    """The attributes of a task are what they were."""
    task, rights = await open_task(uow, actor, entry.entity_id, Action.UPDATE, _PATH)
    require_present(task)
    values = values_before(task, entry)
    await _require_valid(uow, rights, task, task.project_id, values)
    after = with_changes(task, uow.now, **values)
    checks.require_date_order(after.start_on, after.due_on)
    checks.require_series(after.recurrence, after.due_on, after.recurrence)
    await uow.tasks.save(after)
    if after.assignee_id != task.assignee_id:
        await watch.start_watching(uow, after, [after.assignee_id])
    await reference.update_references(uow, after, task.description, after.description)
    uow.record(TaskUpdated(actor_id=actor.user_id, task=after, before=task))
    await record_derived(uow, actor.user_id, task, after)


async def move_back(uow: UnitOfWork, actor: Actor, entry: Entry, call: Call) -> None:
    """A task stands where it stood, with all that is under it where it had changed projects."""
    changed = changed_fields(entry)
    parent_id = _uuid(changed["parent_id"]["before"]) if "parent_id" in changed else None
    # In the order of ids, before the projects are locked.
    await uow.tasks.lock_many(sorted({entry.entity_id, *([parent_id] if parent_id is not None else [])}))
    task, rights = await open_task(uow, actor, entry.entity_id, Action.MOVE, _PATH)
    below = await uow.tasks.lock_descendants(task.id)
    require_present(task)
    await _put_back(uow, actor, entry, task, rights, below)
    if "project_id" in changed:
        await _bring_along(uow, actor, entry, below, call)


async def _put_back(
    uow: UnitOfWork, actor: Actor, entry: Entry, task: Task, rights: Access, below: Sequence[Task], *, follows: bool = False
) -> None:
    """`follows`: what it lies under has moved back just now."""
    left_at = changed_fields(entry).get("rank", {}).get("after", task.rank)
    is_same_place = task.rank != left_at and await uow.tasks.was_compacted(task.id, left_at, task.rank)
    values = values_before(task, entry, unmoved=("rank",) if is_same_place else ())
    project_id = values.get("project_id", task.project_id)
    project, in_project = await open_project(uow, actor, project_id, ResourceKind.TASK, _PATH)
    if project.id != task.project_id:
        in_project.require(Action.CREATE)
    parent_id = values.get("parent_id", task.parent_id)
    if "parent_id" in values and parent_id is not None:
        await checks.require_parent(uow, project.id, parent_id, task.id, below)
    elif project.id != task.project_id and parent_id is not None and not follows:
        raise NotUndoable("It moved together with the task above it: undo that change.")
    await _require_valid(uow, rights, task, project.id, values)
    if "rank" in values:
        values["rank"] = await _free_rank(uow, project.id, values["rank"])
    after = with_changes(task, uow.now, **values)
    if after.team_id != task.team_id:
        await uow.tasks.remember_key(task)
        await uow.tasks.reclaim_key(after)
    await (uow.tasks.save if after.rank == task.rank and after.project_id == task.project_id else uow.tasks.save_placed)(after)
    if after.project_id != task.project_id:
        uow.record(TaskMovedAway(actor_id=actor.user_id, task=task))
    uow.record(TaskMoved(actor_id=actor.user_id, task=after, before=task))
    await record_derived(uow, actor.user_id, task, after)


async def _bring_along(uow: UnitOfWork, actor: Actor, entry: Entry, below: Sequence[Task], call: Call) -> None:
    """What is under a task that went back follows it: to its old place what had come along, to the end what came since."""
    before = changed_fields(entry)["project_id"]["before"]
    project, _ = await open_project(uow, actor, UUID(before), ResourceKind.TASK, _PATH)
    for each in below:
        moved = call.about(each.id, "TaskMoved")
        task, rights = await open_task(uow, actor, each.id, Action.MOVE, _PATH)
        try:
            if moved is None:
                raise UndoConflict(task, ())
            await _put_back(uow, actor, moved, task, rights, (), follows=True)
        except UndoConflict:
            await move_descendant(uow, actor, project, task)


async def _require_valid(uow: UnitOfWork, rights: Access, task: Task, project_id: UUID, values: dict[str, Any]) -> None:
    """What an attribute refers to must be there now, and the actor allowed to refer to it."""
    team_id = values.get("team_id", task.team_id)
    if team_id != task.team_id and task.label_ids:
        raise UndoConflict(task, [FieldChange(field="label_ids", before=[], after=[str(each) for each in task.label_ids])])
    if project_id != task.project_id and "assignee_id" not in values and task.assignee_id is not None:
        is_reader = await uow.projects.readers(project_id, [task.assignee_id])
        values |= {} if is_reader else {"assignee_id": None}
    assignee_id = values.get("assignee_id")
    if assignee_id is not None:
        if Action.ASSIGN not in rights.actions:
            raise Forbidden(Action.ASSIGN)
        await checks.require_assignee(uow, project_id, assignee_id)
    if "label_ids" in values:
        known = task.label_ids if team_id == task.team_id else ()
        values["label_ids"] = await checks.resolve_labels(
            uow,
            team_id,
            known,
            add=values["label_ids"],
            remove=[each for each in known if each not in values["label_ids"]],
            path=_PATH,
        )


async def _free_rank(uow: UnitOfWork, project_id: UUID, wanted: str) -> str:
    """The rank, or the next one after it where another task has it now."""
    low = await uow.tasks.rank_before(project_id, wanted)
    found = await uow.tasks.rank_after(project_id, low or "")
    return rank.between(wanted, await uow.tasks.rank_after(project_id, wanted)) if found == wanted else wanted


def _count_present(found: Sequence[Task]) -> int:
    return sum(1 for each in found if each.deleted_at is None)


def _uuid(value: str | None) -> UUID | None:
    return None if value is None else UUID(value)
