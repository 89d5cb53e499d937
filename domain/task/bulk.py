"""Many tasks in one call: all or nothing, or each for itself; and a dry run of either."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from domain.actor import Actor
from domain.errors import DomainError, LimitExceeded, MultipleErrors, Required
from domain.ports import UnitOfWork
from domain.task.create import create
from domain.task.edit import update
from domain.task.entity import Task
from domain.task.move import move

MAX_BATCH_TASKS = 100


class BulkMode(StrEnum):
    """What becomes of the good rows when one is refused."""

    ALL_OR_NOTHING = "ALL_OR_NOTHING"
    BEST_EFFORT = "BEST_EFFORT"


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskResult:
    """What became of one row: the task, or why it was refused. `index` counts rows of the input from 0."""

    index: int
    id: UUID | None
    task: Task | None
    refusals: tuple[DomainError, ...] = ()


async def update_many(
    uow: UnitOfWork, actor: Actor, task_ids: Sequence[UUID], values: Mapping[str, Any], mode: BulkMode
) -> Sequence[TaskResult]:
    """Give the same new attributes to many tasks; `project_id` moves them."""
    await uow.tasks.lock_many(sorted(set(task_ids)))
    patch = {name: value for name, value in values.items() if name != "project_id"}

    async def each(index: int) -> Task:
        task = await update(uow, actor, task_ids[index], patch, expected_version=None)
        if values.get("project_id") is not None:
            task = await move(uow, actor, task.id, {"project_id": values["project_id"]}, expected_version=None)
        return task

    return await _run(uow, ("ids",), list(task_ids), each, mode, inside="set")


async def create_many(uow: UnitOfWork, actor: Actor, rows: Sequence[Mapping[str, Any]], mode: BulkMode) -> Sequence[TaskResult]:
    """Create many tasks, in order; a later row may name an earlier one as its parent."""

    async def each(index: int) -> Task:
        return await create(uow, actor, rows[index].get("id"), rows[index])

    return await _run(uow, ("tasks",), [row.get("id") for row in rows], each, mode, inside=None)


async def _run(
    uow: UnitOfWork,
    rows_path: tuple[str, ...],
    ids: Sequence[UUID | None],
    process_row: Callable[[int], Awaitable[Task]],
    mode: BulkMode,
    *,
    inside: str | None,
) -> Sequence[TaskResult]:
    """Run every row in a savepoint of its own; under ALL_OR_NOTHING any refusal is raised in the end, with all of them
    reported."""
    if not ids:
        raise Required(("input", *rows_path), "At least one row is needed.")
    if len(ids) > MAX_BATCH_TASKS:
        raise LimitExceeded("Too many rows in one call.", MAX_BATCH_TASKS, path=("input", *rows_path))
    results: list[TaskResult] = []
    for index, id_ in enumerate(ids):
        try:
            async with uow.savepoint():
                task = await process_row(index)
            results.append(TaskResult(index=index, id=task.id, task=task))
        except DomainError as error:
            error.path = _path_in_input(error.path, rows_path, index, inside)
            results.append(TaskResult(index=index, id=id_, task=None, refusals=(error,)))
    refusals = [error for result in results for error in result.refusals]
    if refusals and mode is BulkMode.ALL_OR_NOTHING:
        raise MultipleErrors(refusals)
    return results


def _path_in_input(path: tuple[str, ...] | None, rows_path: tuple[str, ...], index: int, inside: str | None) -> tuple[str, ...]:
    """A row's own path, such as ("input", "title"), as seen from the bulk input."""
    rest = path[1:] if path else ()
    if inside is not None and rest and rest != ("id",):
        return ("input", inside, *rest)
    return ("input", *rows_path, str(index), *(() if rest == ("id",) and inside else rest))
