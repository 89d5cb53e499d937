"""Changing what a task says: its text, state, dates, labels and who does it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from domain import reference, watch
from domain.actor import Actor
from domain.permissions import Action
from domain.ports import UnitOfWork
from domain.task import checks
from domain.task.derived import record_derived
from domain.task.entity import CLOSED, Task
from domain.task.events import TaskUpdated
from domain.task.recur import closes_series_task, make_next
from domain.task.store import open_task
from domain.version import require_version, with_changes


async def update(
    uow: UnitOfWork, actor: Actor, task_id: UUID, values: Mapping[str, Any], *, expected_version: int | None
) -> Task:
    """Change the attributes that are given; `add_label_ids` and `remove_label_ids` change the labels."""
    reads_more = any(values.get(name) for name in ("assignee_id", "add_label_ids", "remove_label_ids"))
    before, rights = await open_task(uow, actor, task_id, Action.UPDATE, lock=reads_more)
    require_version(before, expected_version)
    changes = checks.validate_attributes(values)
    if changes.get("assignee_id") not in (None, before.assignee_id):
        rights.require(Action.ASSIGN)
        await checks.require_assignee(uow, before.project_id, changes["assignee_id"])
    add, remove = values.get("add_label_ids") or (), values.get("remove_label_ids") or ()
    if add or remove:
        changes["label_ids"] = await checks.resolve_labels(
            uow, before.team_id, before.label_ids, add=add, remove=remove, path=("input", "addLabelIds")
        )
    if "status" in changes:
        changes["completed_at"] = completion(before, changes["status"], uow)

    goes_on = with_changes(before, uow.now, **changes)  # with the rule by which the next one is made
    if goes_on is before:
        return before
    checks.require_date_order(goes_on.start_on, goes_on.due_on)
    checks.require_series(goes_on.recurrence, goes_on.due_on, before.recurrence)
    closes = closes_series_task(goes_on, before)
    task = replace(goes_on, recurrence=None) if closes else goes_on
    await uow.tasks.save(task)
    if task.assignee_id != before.assignee_id:
        await watch.start_watching(uow, task, [task.assignee_id])
    await reference.update_references(uow, task, before.description, task.description)
    uow.record(TaskUpdated(actor_id=actor.user_id, task=task, before=before))
    await record_derived(uow, actor.user_id, before, task)
    if closes:
        await make_next(uow, actor.user_id, goes_on, task)
    return task


def completion(before: Task, status: Any, uow: UnitOfWork) -> Any:
    """When the task was closed: unchanged while it stays closed, now when it is being closed, None while it is open."""
    if status not in CLOSED:
        return None
    return before.completed_at if before.status in CLOSED else uow.now
