"""Links between tasks: what blocks what, what belongs together, what is the same thing twice.

A link is stored as two rows, one for each side, each with an id of its own and pointing to its twin: a client that stores objects
by id then never sees one id with two meanings, and a task's links are one range of one index.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Protocol
from uuid import UUID

from domain.actor import Actor
from domain.errors import Cycle, Invalid, LimitExceeded, NotFound, NotUnique
from domain.events import ChangeKind, FieldChange
from domain.permissions import Action
from domain.ports import UnitOfWork
from domain.task import Task, TaskEvent, open_task

MAX_LINKS = 100


class TaskLinkKind(StrEnum):
    """What a task is to its target."""

    BLOCKS = "BLOCKS"
    BLOCKED_BY = "BLOCKED_BY"
    RELATES_TO = "RELATES_TO"
    DUPLICATES = "DUPLICATES"
    DUPLICATED_BY = "DUPLICATED_BY"


INVERSE = {
    TaskLinkKind.BLOCKS: TaskLinkKind.BLOCKED_BY,
    TaskLinkKind.BLOCKED_BY: TaskLinkKind.BLOCKS,
    TaskLinkKind.RELATES_TO: TaskLinkKind.RELATES_TO,
    TaskLinkKind.DUPLICATES: TaskLinkKind.DUPLICATED_BY,
    TaskLinkKind.DUPLICATED_BY: TaskLinkKind.DUPLICATES,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskLink:
    """One side of a link, as its task sees it."""

    type_name: ClassVar[str] = "TaskLink"

    id: UUID
    twin_id: UUID
    task_id: UUID
    target_id: UUID
    kind: TaskLinkKind
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskLinked(TaskEvent):
    """A task was linked with another; each side has an event with its own row."""

    kind = ChangeKind.UPDATED
    link: TaskLink

    @property
    def changes(self) -> tuple[FieldChange, ...]:
        return (FieldChange(field="links", after=_to_change_value(self.link)),)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskUnlinked(TaskEvent):
    """A link was removed; each side has an event with its own row."""

    kind = ChangeKind.UPDATED
    link: TaskLink

    @property
    def changes(self) -> tuple[FieldChange, ...]:
        return (FieldChange(field="links", before=_to_change_value(self.link)),)


class TaskLinkStore(Protocol):
    """Stores links."""

    async def add(self, link: TaskLink, twin: TaskLink) -> bool:
        """Store both sides; False when there is such a link."""
        ...

    async def lock(self, link_id: UUID) -> TaskLink | None: ...
    async def remove(self, link: TaskLink) -> None:
        """Remove both sides."""
        ...

    async def count(self, task_id: UUID) -> int: ...
    async def blocks(self, task_id: UUID, other_id: UUID) -> bool:
        """Whether the task blocks the other, directly or through others."""
        ...


async def link(
    uow: UnitOfWork,
    actor: Actor,
    task_id: UUID,
    target_id: UUID,
    kind: TaskLinkKind,
    *,
    link_ids: tuple[UUID, UUID] | None = None,
) -> Task:
    """Link two tasks that the actor may see; they must be able to change the first. `link_ids`: those of a link that comes back,
    of this side and of the other."""
    if task_id == target_id:
        raise Invalid(("input", "targetId"), "A task cannot be linked with itself.")
    await uow.tasks.lock_many(sorted([task_id, target_id]))
    task, _ = await open_task(uow, actor, task_id, Action.UPDATE, ("input", "taskId"))
    target, _ = await open_task(uow, actor, target_id, Action.READ, ("input", "targetId"))
    for side, name in ((task_id, "taskId"), (target_id, "targetId")):
        if await uow.task_links.count(side) >= MAX_LINKS:
            raise LimitExceeded(f"A task has at most {MAX_LINKS} links.", MAX_LINKS, path=("input", name))
    if await _creates_cycle(uow, task_id, target_id, kind):
        raise Cycle(("input", "targetId"), "Two tasks cannot block each other.")
    ours, theirs = link_ids or (uow.new_id(), uow.new_id())
    forth = TaskLink(id=ours, twin_id=theirs, task_id=task_id, target_id=target_id, kind=kind, created_at=uow.now)
    back = TaskLink(id=theirs, twin_id=ours, task_id=target_id, target_id=task_id, kind=INVERSE[kind], created_at=uow.now)
    if not await uow.task_links.add(forth, back):
        raise NotUnique(("input", "targetId"), "The two tasks have such a link.")
    uow.record(TaskLinked(actor_id=actor.user_id, task=task, link=forth))
    uow.record(TaskLinked(actor_id=actor.user_id, task=target, link=back))
    return task


async def unlink(uow: UnitOfWork, actor: Actor, link_id: UUID) -> UUID:
    """Remove a link, from whichever side the actor may change."""
    found = await uow.task_links.lock(link_id)
    if found is None:
        raise NotFound(("input", "id"))
    task, _ = await open_task(uow, actor, found.task_id, Action.UPDATE)
    target, _ = await open_task(uow, actor, found.target_id, Action.READ)
    await uow.task_links.remove(found)
    back = TaskLink(
        id=found.twin_id,
        twin_id=found.id,
        task_id=found.target_id,
        target_id=found.task_id,
        kind=INVERSE[found.kind],
        created_at=found.created_at,
    )
    uow.record(TaskUnlinked(actor_id=actor.user_id, task=task, link=found))
    uow.record(TaskUnlinked(actor_id=actor.user_id, task=target, link=back))
    return found.id


async def _creates_cycle(uow: UnitOfWork, task_id: UUID, target_id: UUID, kind: TaskLinkKind) -> bool:
    match kind:
        case TaskLinkKind.BLOCKS:
            return await uow.task_links.blocks(target_id, task_id)
        case TaskLinkKind.BLOCKED_BY:
            return await uow.task_links.blocks(task_id, target_id)
        case _:
            return False


def _to_change_value(link: TaskLink) -> dict[str, str]:
    return {"id": str(link.id), "kind": link.kind, "targetId": str(link.target_id)}
