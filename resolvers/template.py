"""Resolves templates: lists, makes, uses and deletes them."""

from collections.abc import Mapping, Sequence
from typing import Any

from domain import template as templates
from domain.page import Page, Paging
from persistence.stores.template import TEAM_TEMPLATES
from persistence.unit_of_work import SqlUnitOfWork
from resolvers.context import Context, InputValues
from resolvers.page import list_pages


async def of_teams(context: Context, parents: Sequence[Any], page: Paging) -> list[Page[Any]]:
    """The templates of each team, the newest first; none for guests of it."""
    return await list_pages(context, TEAM_TEMPLATES, parents, page)


async def create(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Makes a template."""
    return {"template": await templates.create(uow, context.viewer, values["subject_id"], values["name"])}


async def use(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Begins a project or tasks with a template."""
    begun = await templates.use(
        uow,
        context.viewer,
        values["template_id"],
        project_id=values.get("project_id"),
        name=values.get("name"),
        start_on=values.get("start_on"),
    )
    return {"project": begun.project, "task": begun.task}


async def delete(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Deletes a template."""
    expected = values.get("expected_version")
    return {"deleted": await templates.delete(uow, context.viewer, values["id"], expected_version=expected), "type": "Template"}
