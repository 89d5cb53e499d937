"""What a task's attributes may be, alone and towards its project and team."""

import math
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from domain import recurrence, text
from domain.errors import Cycle, Invalid, LimitExceeded, NotFound, Path, Required, TooLong
from domain.ports import UnitOfWork
from domain.task.entity import Task

MAX_LABELS = 30
MAX_DEPTH_LEVELS = 10


def validate_attributes(values: Mapping[str, Any]) -> dict[str, Any]:
    """The plain attributes among what was given, each checked; absent ones are left out."""
    changes: dict[str, Any] = {name: values[name] for name in ("assignee_id", "start_on", "due_on") if name in values}
    if "title" in values:
        changes["title"] = text.validate_line(values["title"], ("input", "title"), limit=text.MAX_TITLE_CHARS)
    if "description" in values:
        changes["description"] = text.validate_optional_markdown(values["description"], ("input", "description"))
    if "estimate" in values:
        changes["estimate"] = _estimate(values["estimate"])
    if "external_ref" in values:
        changes["external_ref"] = (
            text.validate_line(values["external_ref"], ("input", "externalRef")) if values["external_ref"] else None
        )
    if "recurrence" in values:
        changes["recurrence"] = validate_rule(values["recurrence"], ("input", "recurrence"))
    for name in ("status", "priority"):
        if name in values:
            if values[name] is None:
                raise Invalid(("input", name), "This cannot be cleared.")
            changes[name] = values[name]
    return changes


def validate_rule(value: str | None, path: Path) -> str | None:
    """A recurrence rule in its normal form; None where there is nothing but spaces."""
    if value is None or not value.strip():
        return None
    if len(value) > recurrence.MAX_RULE_CHARS:
        raise TooLong(path, recurrence.MAX_RULE_CHARS)
    try:
        recurrence.parse(value)
    except ValueError as error:
        raise Invalid(path, str(error)) from None
    return recurrence.normalize(value)


def require_date_order(start_on: date | None, due_on: date | None) -> None:
    """A task is not due before it starts."""
    if start_on and due_on and due_on < start_on:
        raise Invalid(("input", "dueOn"), "A task cannot be due before it starts.")


def require_series(rule: str | None, due_on: date | None, rule_before: str | None) -> None:
    """A task that recurs has a due day, where its series begins, and a rule that was not there before gives a later one."""
    if rule is None:
        return
    if due_on is None:
        raise Required(("input", "dueOn"), "A task that recurs needs a due day.")
    if rule != rule_before and not recurrence.gives_days(rule, due_on):
        raise Invalid(("input", "recurrence"), "The rule gives no later day.")


async def require_assignee(uow: UnitOfWork, project_id: UUID, user_id: UUID) -> None:
    """Only somebody who can see the project can be handed a task in it."""
    if not await uow.projects.readers(project_id, [user_id]):
        raise Invalid(("input", "assigneeId"), "The assignee cannot see this project.")


async def resolve_labels(
    uow: UnitOfWork, team_id: UUID, before: Sequence[UUID], *, add: Sequence[UUID], remove: Sequence[UUID], path: Path
) -> tuple[UUID, ...]:
    """The labels of a task after some were added and others taken off, in the order of their ids."""
    added = set(add) - set(before)
    if added and added != await uow.labels.lock_existing(team_id, sorted(added)):
        raise NotFound(path)
    after = tuple(sorted((set(before) | added) - set(remove)))
    if len(after) > MAX_LABELS:
        raise LimitExceeded(f"A task has at most {MAX_LABELS} labels.", MAX_LABELS, path=path)
    return after


async def require_parent(
    uow: UnitOfWork, project_id: UUID, parent_id: UUID, task_id: UUID | None, descendants: Sequence[Task] = ()
) -> None:
    """The parent lies in the same project, is not deleted, not the task itself or below it, and not too deep for all that comes
    along.

    The caller locks the parent before the project.
    """
    path = ("input", "parentId")
    if not await uow.tasks.is_open_in(project_id, parent_id):
        raise NotFound(path)
    above = [parent_id, *await uow.tasks.ancestors(parent_id)]
    if task_id in above:
        raise Cycle(path, "A task cannot be below itself.")
    if len(above) + _height(descendants) >= MAX_DEPTH_LEVELS:
        raise LimitExceeded(f"Sub-tasks go at most {MAX_DEPTH_LEVELS} levels deep.", MAX_DEPTH_LEVELS, path=path)


def _height(descendants: Sequence[Task]) -> int:
    """How many levels there are below a task; parents come before their children."""
    levels: dict[UUID | None, int] = {}
    for each in descendants:
        levels[each.id] = levels.get(each.parent_id, 0) + 1
    return max(levels.values(), default=0)


def _estimate(value: float | None) -> float | None:
    if value is not None and (not math.isfinite(value) or not 0 <= value <= 1_000_000):
        raise Invalid(("input", "estimate"), "An estimate lies between 0 and 1,000,000.")
    return value
