"""Moving a task: to another project, under another task, into another column, to another place, in one step."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from domain import rank
from domain.actor import Actor
from domain.errors import Invalid, NotFound
from domain.permissions import Action, ResourceKind
from domain.ports import UnitOfWork
from domain.project import Project, open_project
from domain.task import checks
from domain.task.derived import record_derived
from domain.task.edit import completion
from domain.task.entity import Task
from domain.task.events import TaskMoved, TaskMovedAway
from domain.task.recur import closes_series_task, make_next
from domain.task.store import open_task
from domain.version import require_version, with_changes


async def move(uow: UnitOfWork, actor: Actor, task_id: UUID, values: Mapping[str, Any], *, expected_version: int | None) -> Task:
    """Move a task, with all below it where it changes projects.

    `project_id`, `parent_id` (None: to the top), `status`, and a place: `after_id` (None: to the front) or `before_id` (None: to
    the end). In another team it gets a key of that team and is still found under the old one; labels and an assignee that are not
    of that team are removed.
    """
    if values.get("parent_id") is not None:
        await uow.tasks.lock_many(sorted({task_id, values["parent_id"]}))
    moves_more = values.get("project_id") is not None or values.get("parent_id") is not None
    before, _ = await open_task(uow, actor, task_id, Action.MOVE, lock=moves_more)
    require_version(before, expected_version)
    below: Sequence[Task] = ()
    target: Project | None = None
    if moves_more:
        below = await uow.tasks.lock_descendants(before.id)
        asked_for = values.get("project_id") or before.project_id
        target, in_target = await open_project(uow, actor, asked_for, ResourceKind.TASK, ("input", "projectId"))
        if target.id == before.project_id:
            target = None
        else:
            in_target.require(Action.CREATE)
    else:
        await uow.tasks.lock_list(before.project_id)
    project_id = before.project_id if target is None else target.id

    changes: dict[str, Any] = {}
    if "status" in values:
        if values["status"] is None:
            raise Invalid(("input", "status"), "This cannot be cleared.")
        changes |= {"status": values["status"], "completed_at": completion(before, values["status"], uow)}
    if "parent_id" in values:
        if values["parent_id"] is not None:
            await checks.require_parent(uow, project_id, values["parent_id"], before.id, below)
        changes["parent_id"] = values["parent_id"]
    elif target is not None:
        changes["parent_id"] = None
    if target is not None:
        changes |= await _changes_on_arrival(uow, target, before)
    if target is not None or "after_id" in values or "before_id" in values:
        changes["rank"] = await _rank(uow, project_id, before, values)

    goes_on = with_changes(before, uow.now, **changes)  # with the rule by which the next one is made
    if goes_on is before:
        return before
    closes = closes_series_task(goes_on, before)
    task = replace(goes_on, recurrence=None) if closes else goes_on
    if task.team_id != before.team_id:
        await uow.tasks.remember_key(before)
    await (uow.tasks.save if task.rank == before.rank else uow.tasks.save_placed)(task)
    _record_move(uow, actor, before, task)
    await record_derived(uow, actor.user_id, before, task)
    if target is not None:
        for each in below:
            await move_descendant(uow, actor, target, each)
    if closes:
        await make_next(uow, actor.user_id, goes_on, task)
    return task


async def _rank(uow: UnitOfWork, project_id: UUID, task: Task, values: Mapping[str, Any]) -> str:
    """The rank at the place that was asked for; with both neighbours named, right after the first."""
    after_id, before_id = values.get("after_id"), values.get("before_id")
    if task.id in (after_id, before_id):
        raise Invalid(("input", "afterId" if after_id == task.id else "beforeId"), "A task cannot be placed beside itself.")
    low = await _require_rank(uow, project_id, after_id, "afterId")
    high = await _require_rank(uow, project_id, before_id, "beforeId")
    if low is not None and high is not None and low >= high:
        raise Invalid(("input", "afterId"), "`afterId` does not stand before `beforeId`.")
    if low is not None:
        high = await uow.tasks.rank_after(project_id, low)
    elif high is not None:
        low = await uow.tasks.rank_before(project_id, high)
    elif "after_id" in values and "before_id" not in values:
        high = await uow.tasks.rank_after(project_id, "")
    else:
        low = await uow.tasks.last_rank(project_id)
    stays = task.project_id == project_id and task.rank in (low, high)
    return task.rank if stays else rank.between(low, high)


async def _require_rank(uow: UnitOfWork, project_id: UUID, task_id: UUID | None, name: str) -> str | None:
    if task_id is None:
        return None
    found = await uow.tasks.rank_of(project_id, task_id)
    if found is None:
        raise NotFound(("input", name))
    return found


async def _changes_on_arrival(uow: UnitOfWork, project: Project, task: Task) -> dict[str, Any]:
    """What changes about a task because it comes into a project."""
    changes: dict[str, Any] = {"project_id": project.id}
    if task.assignee_id is not None and not await uow.projects.readers(project.id, [task.assignee_id]):
        changes["assignee_id"] = None
    if task.team_id != project.team_id:
        team = await uow.teams.get(project.team_id)
        assert team is not None
        number = await uow.tasks.next_number(team.id)
        changes |= {"team_id": team.id, "number": number, "key": f"{team.key}-{number}", "label_ids": ()}
    return changes


async def move_descendant(uow: UnitOfWork, actor: Actor, project: Project, before: Task) -> None:
    """Let a task, held, follow what it lies under into another project, to the end of it."""
    changes = await _changes_on_arrival(uow, project, before)
    task = with_changes(before, uow.now, **changes, rank=rank.between(await uow.tasks.last_rank(project.id), None))
    if task.team_id != before.team_id:
        await uow.tasks.remember_key(before)
    await uow.tasks.save(task)
    _record_move(uow, actor, before, task)


def _record_move(uow: UnitOfWork, actor: Actor, before: Task, task: Task) -> None:
    if task.project_id != before.project_id:
        uow.record(TaskMovedAway(actor_id=actor.user_id, task=before))
    uow.record(TaskMoved(actor_id=actor.user_id, task=task, before=before))
