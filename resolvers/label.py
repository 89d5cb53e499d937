"""Labels of teams and on tasks."""

from collections.abc import Mapping, Sequence
from typing import Any

from domain import label as labels
from domain.page import Page, Paging
from persistence.stores.label import TASK_LABELS, TEAM_LABELS
from persistence.unit_of_work import SqlUnitOfWork
from resolvers.context import Context, Given
from resolvers.page import lists


async def of_teams(context: Context, parents: Sequence[Any], page: Paging) -> list[Page[Any]]:
    """Each team's labels, by name."""
    return await lists(context, TEAM_LABELS, parents, page)


async def of_tasks(context: Context, parents: Sequence[Any], page: Paging) -> list[Page[Any]]:
    """Each task's labels, by name."""
    return await lists(context, TASK_LABELS, parents, page)


async def create(context: Context, uow: SqlUnitOfWork, given: Given) -> Mapping[str, Any]:
    """Make a label."""
    name, color = given["name"], given["color"]
    team_id = given["team_id"]
    return {"label": await labels.create(uow, context.viewer, given.get("id"), team_id=team_id, name=name, color=color)}


async def update(context: Context, uow: SqlUnitOfWork, given: Given) -> Mapping[str, Any]:
    """Change a label."""
    expected = given.get("expected_version")
    return {"label": await labels.update(uow, context.viewer, given["id"], given, expected_version=expected)}


async def delete(context: Context, uow: SqlUnitOfWork, given: Given) -> Mapping[str, Any]:
    """Delete a label and take it off every task."""
    expected = given.get("expected_version")
    gone = await labels.delete(uow, context.viewer, given["id"], expected_version=expected)
    return {"deleted": gone, "type": "Label"}
