"""Reverses links between tasks."""

from uuid import UUID

from domain import task_link as task_links
from domain.actor import Actor
from domain.errors import UndoConflict
from domain.events import Entry, FieldChange
from domain.permissions import Action
from domain.ports import UnitOfWork
from domain.task import open_task
from domain.task_link import TaskLinkKind
from domain.undo.change_log import Call, changed_fields

_PATH = ("input", "changeId")


async def unlink(uow: UnitOfWork, actor: Actor, entry: Entry, call: Call) -> None:
    """A link that was made is removed, on both sides."""
    task, _ = await open_task(uow, actor, entry.entity_id, Action.UPDATE, _PATH)
    link = changed_fields(entry)["links"]["after"]
    if await uow.task_links.lock(UUID(link["id"])) is None:
        raise UndoConflict(task, [FieldChange(field="links", before=link, after=None)])
    await task_links.unlink(uow, actor, UUID(link["id"]))


async def link_again(uow: UnitOfWork, actor: Actor, entry: Entry, call: Call) -> None:
    """A link that was removed comes back, under its ids."""
    link = changed_fields(entry)["links"]["before"]
    link_id, target_id = UUID(link["id"]), UUID(link["targetId"])
    twin = next((each for each in call.of_types("TaskUnlinked") if is_twin(each, entry)), None)
    twin_id = uow.new_id() if twin is None else UUID(changed_fields(twin)["links"]["before"]["id"])
    kind = TaskLinkKind(link["kind"])
    await task_links.link(uow, actor, entry.entity_id, target_id, kind, link_ids=(link_id, twin_id))


def is_twin(entry: Entry, other: Entry) -> bool:
    """Whether two entries are about the two sides of one link."""
    ours, theirs = (changed_fields(each).get("links") for each in (entry, other))
    if ours is None or theirs is None or entry.type != other.type:
        return False
    one, two = (each.get("after") or each["before"] for each in (ours, theirs))
    same_tasks = (str(entry.entity_id), one["targetId"]) == (two["targetId"], str(other.entity_id))
    return bool(same_tasks and task_links.INVERSE[TaskLinkKind(one["kind"])] == two["kind"])
