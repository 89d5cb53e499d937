"""Resolves labels of teams and tasks, and their mutations."""

from collections.abc import Mapping, Sequence
from typing import Any

from domain import label as labels
from domain.page import Page, Paging
from persistence.stores.label import TASK_LABELS, TEAM_LABELS
from persistence.unit_of_work import SqlUnitOfWork
from resolvers.context import Context, InputValues
from resolvers.page import list_pages


async def of_teams(context: Context, parents: Sequence[Any], page: Paging) -> list[Page[Any]]:
    """The labels of each team, by name."""
    return await list_pages(context, TEAM_LABELS, parents, page)


async def of_tasks(context: Context, parents: Sequence[Any], page: Paging) -> list[Page[Any]]:
    """The labels of each task, by name."""
    return await list_pages(context, TASK_LABELS, parents, page)


async def create(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Creates a label."""
    name, color = values["name"], values["color"]
    team_id = values["team_id"]
    return {"label": await labels.create(uow, context.viewer, values.get("id"), team_id=team_id, name=name, color=color)}


async def update(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Updates a label."""
    expected = values.get("expected_version")
    return {"label": await labels.update(uow, context.viewer, values["id"], values, expected_version=expected)}


async def delete(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Deletes a label and removes it from all tasks."""
    expected = values.get("expected_version")
    deleted = await labels.delete(uow, context.viewer, values["id"], expected_version=expected)
    return {"deleted": deleted, "type": "Label"}
