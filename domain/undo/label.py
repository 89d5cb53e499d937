"""Reverses what happened to labels."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from domain import codec
from domain import label as labels
from domain.actor import Actor
from domain.errors import NotFound, NotUndoable, NotUnique, UndoConflict
from domain.events import Entry, FieldChange
from domain.label import Label, LabelRestored, LabelUpdated, open_label
from domain.permissions import Action, ResourceKind, access
from domain.ports import UnitOfWork
from domain.task import TaskUpdated
from domain.task.checks import MAX_LABELS
from domain.undo.change_log import Call
from domain.undo.fields import require_as_created, values_before
from domain.version import with_changes


async def delete_created(uow: UnitOfWork, actor: Actor, entry: Entry, call: Call) -> None:
    """A label that was made is deleted, unless it has changed, or is on a task."""
    label = await open_label(uow, actor, entry.entity_id, Action.DELETE)
    require_as_created(label, entry, more={"tasks": int(await uow.labels.is_used(label.id))})
    await labels.delete(uow, actor, label.id, expected_version=None)


async def delete_restored(uow: UnitOfWork, actor: Actor, entry: Entry, call: Call) -> None:
    """A label that came back is deleted again, and taken off its tasks."""
    await open_label(uow, actor, entry.entity_id, Action.DELETE)
    await labels.delete(uow, actor, entry.entity_id, expected_version=None)


async def update_back(uow: UnitOfWork, actor: Actor, entry: Entry, call: Call) -> None:
    """A label's name and colour are what they were."""
    before = await open_label(uow, actor, entry.entity_id, Action.UPDATE)
    label = with_changes(before, uow.now, **values_before(before, entry))
    if not await uow.labels.save(label):
        raise NotUnique(("input", "changeId"), "Another label has this name now.")
    uow.record(LabelUpdated(actor_id=actor.user_id, label=label, before=before))


async def restore(uow: UnitOfWork, actor: Actor, entry: Entry, call: Call) -> None:
    """A label that was deleted comes back under its id, and is on the tasks again on which it was."""
    deleted = codec.decode(Label, entry.payload["entity"])
    role = await uow.teams.role(deleted.team_id, actor.user_id)
    if role is None:
        raise NotFound(("input", "changeId"))
    access(actor, role, ResourceKind.LABEL).require(Action.DELETE)
    present = await uow.labels.lock(deleted.id)
    if present is not None:
        raise UndoConflict(present, [FieldChange(field="name", before=None, after=present.name)])
    held: dict[str, Any] = entry.payload.get("undo") or {}
    if held.get("task_ids") is None:
        raise NotUndoable("The label was on too many tasks, or was deleted by an earlier version of the server: make it anew.")
    label = replace(deleted, version=deleted.version + 1, updated_at=uow.now)
    if await uow.labels.add(label) is not None:
        raise NotUnique(("input", "changeId"), "Another label has this name now.")
    uow.record(LabelRestored(actor_id=actor.user_id, label=label))
    for before in await uow.tasks.lock_of_team(label.team_id, [UUID(each) for each in held["task_ids"]]):
        if len(before.label_ids) < MAX_LABELS:
            task = with_changes(before, uow.now, label_ids=tuple(sorted({*before.label_ids, label.id})))
            await uow.tasks.save(task)
            uow.record(TaskUpdated(actor_id=actor.user_id, task=task, before=before))
