"""Makes the next task of a series: when a task with a recurrence rule is closed, or when the day of the next one comes.

The rule goes over to the new task, so a series has one task that it goes on from. The id of the new one derives from the task
before it and from its day: whatever is done again, it is made once.

The new task has the title, description, priority, estimate, assignee (who still sees the project), labels, parent and watchers
of the one before, and its sub-tasks that are not deleted, all of them to do. Days move as far as the due day does. Comments,
links, files and the external reference stay where they are.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, Final
from uuid import UUID

from domain import recurrence
from domain.events import derived_id
from domain.ports import UnitOfWork
from domain.task.create import add, new_task
from domain.task.entity import CLOSED, Task, TaskStatus
from domain.task.events import TaskUpdated
from domain.version import with_changes

MAX_COPIED_SUBTASKS: Final = 100
"""Of all levels together, the upper ones first."""


def closes_series_task(task: Task, before: Task) -> bool:
    """Whether a change closes a task from which a series goes on."""
    return task.recurrence is not None and task.status in CLOSED and before.status not in CLOSED


async def make_due(uow: UnitOfWork, task_id: UUID, today: date) -> Task | None:
    """
    Make the next task of a series where its day has come, in nobody's name: the latest one until `today`, so that days which
    nobody worked on are passed. None where there is nothing to do.
    """
    before = await uow.tasks.lock_recurring(task_id)
    if before is None or before.recurs_on is None or before.recurs_on > today:
        return None
    task = with_changes(before, uow.now, recurrence=None)
    await uow.tasks.save(task)
    uow.record(TaskUpdated(actor_id=None, task=task, before=before))
    return await make_next(uow, None, before, task, until=today)


async def make_next(
    uow: UnitOfWork, actor_id: UUID | None, before: Task, task: Task, *, until: date | None = None
) -> Task | None:
    """Make the task that comes after one whose rule was just taken away: `before` is as it was with the rule. None where the
    series is over, or the next one was made before."""
    assert before.recurrence is not None
    found = None if task.due_on is None else recurrence.next_occurrence(before.recurrence, task.due_on, until=until)
    if found is None:
        return None
    assert task.due_on is not None
    # The nearest day too: where the rule came back, by an undo or by hand, after the next task was made.
    nearest = recurrence.next_day(before.recurrence, task.due_on)
    for day in {nearest, found.day}:
        if await uow.tasks.is_in_team(task.team_id, derived_id(task.id, "recurrence", day)):
            return None
    next_id = derived_id(task.id, "recurrence", found.day)
    if not await uow.projects.lock_for_server(task.project_id):
        return None
    series = _Series(uow, actor_id, task, found.day - task.due_on)
    return await series.copy(next_id, found)


class _Series:
    """One step of a series: copies a task with what is below it. `shift`: how far days move."""

    def __init__(self, uow: UnitOfWork, actor_id: UUID | None, source: Task, shift: timedelta) -> None:
        self._uow, self._actor_id, self._source, self._shift = uow, actor_id, source, shift
        self._readers: frozenset[UUID] = frozenset()

    async def copy(self, next_id: UUID, occurrence: recurrence.Occurrence) -> Task:
        """Copy the source, and what is below it."""
        uow, source = self._uow, self._source
        below = [each for each in await uow.tasks.lock_descendants(source.id) if each.deleted_at is None]
        below = below[:MAX_COPIED_SUBTASKS]
        people = {each.assignee_id for each in (source, *below)} - {None}
        if people:
            self._readers = await uow.projects.readers(source.project_id, sorted(each for each in people if each is not None))
        parent_id = source.parent_id
        if parent_id is not None and not await uow.tasks.is_open_in(source.project_id, parent_id):
            parent_id = None
        copied = await self._add(source, next_id, parent_id, {"recurrence": occurrence.rule})
        parents: Mapping[UUID | None, UUID] = {source.id: copied.id}
        for each in below:
            if each.parent_id in parents:  # what is above it was copied
                made = await self._add(each, derived_id(copied.id, each.id), parents[each.parent_id], {})
                parents = {**parents, each.id: made.id}
        return copied

    async def _add(self, source: Task, task_id: UUID, parent_id: UUID | None, more: dict[str, Any]) -> Task:
        uow = self._uow
        labels = await uow.labels.lock_existing(source.team_id, source.label_ids) if source.label_ids else frozenset[UUID]()
        task = await new_task(
            uow,
            self._actor_id,
            task_id,
            team_id=source.team_id,
            project_id=source.project_id,
            after=None,
            parent_id=parent_id,
            title=source.title,
            description=source.description,
            status=TaskStatus.TODO,
            priority=source.priority,
            assignee_id=source.assignee_id if source.assignee_id in self._readers else None,
            start_on=_moved(source.start_on, self._shift),
            due_on=_moved(source.due_on, self._shift),
            estimate=source.estimate,
            label_ids=tuple(each for each in source.label_ids if each in labels),
            **more,
        )
        watcher_ids = [*await uow.watches.watchers(source.id), self._actor_id, task.assignee_id]
        if not await add(uow, self._actor_id, task, brought=True, watcher_ids=watcher_ids):
            # Somebody elsewhere has taken the id: the series goes on all the same.
            task = replace(task, id=uow.new_id())
            added = await add(uow, self._actor_id, task, brought=False, watcher_ids=watcher_ids)
            assert added
        return task


def _moved(day: date | None, shift: timedelta) -> date | None:
    """A day so much later; none where the calendar ends."""
    try:
        return None if day is None else day + shift
    except OverflowError:
        return None
