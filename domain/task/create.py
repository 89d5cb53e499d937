"""Creates a task."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from domain import rank, reference, watch
from domain.actor import Actor
from domain.attachment import attach
from domain.errors import NotFound, NotUnique
from domain.permissions import Action, ResourceKind
from domain.ports import UnitOfWork
from domain.project import open_project
from domain.task import checks
from domain.task.derived import record_derived
from domain.task.entity import CLOSED, Task
from domain.task.events import TaskCreated, task_attachment_target


async def create(uow: UnitOfWork, actor: Actor, task_id: UUID | None, values: Mapping[str, Any]) -> Task:
    """Create a task in `project_id`, at the end of the project or right after `after_id`."""
    writes_more = task_id is not None or any(values.get(name) for name in ("parent_id", "label_ids", "upload_ids"))
    if values.get("parent_id") is not None:
        await uow.tasks.lock_many([values["parent_id"]])  # so that it cannot leave the project meanwhile
    project, rights = await open_project(
        uow, actor, values["project_id"], ResourceKind.TASK, ("input", "projectId"), lock=writes_more
    )
    rights.require(Action.CREATE)
    attributes = checks.validate_attributes(values)
    checks.require_date_order(attributes.get("start_on"), attributes.get("due_on"))
    checks.require_series(attributes.get("recurrence"), attributes.get("due_on"), None)
    if attributes.get("assignee_id") is not None:
        await checks.require_assignee(uow, project.id, attributes["assignee_id"])
    if values.get("parent_id") is not None:
        await checks.require_parent(uow, project.id, values["parent_id"], None)
    attributes["label_ids"] = await checks.resolve_labels(
        uow, project.team_id, (), add=values.get("label_ids") or (), remove=(), path=("input", "labelIds")
    )
    task = await new_task(
        uow,
        actor.user_id,
        task_id or uow.new_id(),
        team_id=project.team_id,
        project_id=project.id,
        parent_id=values.get("parent_id"),
        after=await _require_rank(uow, project.id, values.get("after_id")),
        **attributes,
    )
    if not await add(uow, actor.user_id, task, brought=task_id is not None, watcher_ids=[actor.user_id, task.assignee_id]):
        raise NotUnique(("input", "id"), "This id is in use.")
    await attach(uow, actor, values.get("upload_ids") or (), task_attachment_target(task), ("input", "uploadIds"))
    return task


async def new_task(
    uow: UnitOfWork,
    creator_id: UUID | None,
    task_id: UUID,
    *,
    team_id: UUID,
    project_id: UUID,
    after: str | None,
    **attributes: Any,
) -> Task:
    """A task that is not stored yet, with the next key of its team, and a rank at the end of its project or next to `after`."""
    team = await uow.teams.get(team_id)
    assert team is not None
    number = await uow.tasks.next_number(team.id)
    high = await uow.tasks.rank_after(project_id, after) if after is not None else None
    low = await uow.tasks.last_rank(project_id) if after is None else after
    return Task(
        id=task_id,
        created_at=uow.now,
        updated_at=uow.now,
        team_id=team.id,
        project_id=project_id,
        number=number,
        key=f"{team.key}-{number}",
        creator_id=creator_id,
        completed_at=uow.now if attributes.get("status") in CLOSED else None,
        rank=rank.between(low, high),
        **attributes,
    )


async def add(uow: UnitOfWork, actor_id: UUID | None, task: Task, *, brought: bool, watcher_ids: Sequence[UUID | None]) -> bool:
    """Store a new task with all that goes with it; False when its id is in use. `brought`: the id is not a fresh one."""
    if (brought and not await uow.tasks.claim(task.id)) or not await uow.tasks.add(task):
        return False
    await watch.start_watching(uow, task, watcher_ids)
    await reference.update_references(uow, task, None, task.description)
    uow.record(TaskCreated(actor_id=actor_id, task=task))
    await record_derived(uow, actor_id, None, task)
    return True


async def _require_rank(uow: UnitOfWork, project_id: UUID, after_id: UUID | None) -> str | None:
    """The rank of the task that the new one comes after."""
    if after_id is None:
        return None
    found = await uow.tasks.rank_of(project_id, after_id)
    if found is None:
        raise NotFound(("input", "afterId"))
    return found
