"""Resolves projects, their members and progress, and their mutations."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import strawberry

from domain import project as projects
from domain.log_scope import scope_allows
from domain.page import MATCH_ALL, Condition, Not, Page, Paging
from persistence.events.activity import PROJECT_ACTIVITY
from persistence.stores import project
from persistence.stores.task_counts import project_progress
from persistence.stores.user import PROJECT_MEMBERS
from persistence.unit_of_work import SqlUnitOfWork
from resolvers import ids
from resolvers.context import Context, InputValues
from resolvers.inputs.filter import to_orders, to_where
from resolvers.inputs.project import FILTER_ID_TYPES, ProjectFilter, ProjectOrder
from resolvers.page import ToOneLoader, collect_ids, list_all, list_pages
from resolvers.progress import Progress
from resolvers.shared import within_subject

Id = Annotated[strawberry.ID, strawberry.argument(description="The project's global id.")]
Filter = Annotated[ProjectFilter | None, strawberry.argument(description="Narrows the list.")]
OrderBy = Annotated[list[ProjectOrder] | None, strawberry.argument(description="By name when absent.")]

_NO_DOCUMENTS = Not(Condition("about_type", "eq", "Document"))


async def get(context: Context, id: Id) -> Any:
    """A project that the viewer may see."""
    project_id = ids.decode(id, "Project", path=("id",))
    requested = context.take_requested_columns(), context.take_requested_joins()
    found = await project.by_ids(context.database, context.viewer.user_id, [project_id], *requested)
    return within_subject(context, "Project", found).get(project_id)


async def list_visible(context: Context, page: Paging, filter: Filter = None, order_by: OrderBy = None) -> Page[Any]:
    """The projects that the viewer may see."""
    return await list_all(context, project.PROJECTS, page, where=to_where(filter, FILTER_ID_TYPES), order=to_orders(order_by))


async def of_teams(
    context: Context, parents: Sequence[Any], page: Paging, filter: Filter = None, order_by: OrderBy = None
) -> list[Page[Any]]:
    """The projects of each team."""
    return await list_pages(
        context, project.TEAM_PROJECTS, parents, page, where=to_where(filter, FILTER_ID_TYPES), order=to_orders(order_by)
    )


async def _by_id(context: Context, project_ids: Sequence[Any]) -> Mapping[Any, Any]:
    return await project.by_ids(context.database, context.viewer.user_id, project_ids, context.take_requested_columns())


of_tasks = ToOneLoader("project_id", _by_id, project.BY_IDS)
"""The project of each task."""


async def members(context: Context, parents: Sequence[Any], page: Paging) -> list[Page[Any]]:
    """The users who were added to each project, by name."""
    return await list_pages(context, PROJECT_MEMBERS, parents, page)


async def activity(context: Context, parents: Sequence[Any], page: Paging) -> list[Page[Any]]:
    """The history of each project, latest first."""
    return await list_pages(
        context, PROJECT_ACTIVITY, parents, page, where=MATCH_ALL if scope_allows(context.viewer, "Document") else _NO_DOCUMENTS
    )


async def progress(context: Context, parents: Sequence[Any]) -> list[Progress]:
    """The progress of each project."""
    found = await project_progress(context.database, context.viewer.user_id, collect_ids(parents, lambda each: each.id))
    return [Progress.of(found.get(each.id, ())) for each in parents]


async def create(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Creates a project."""
    team_id = values["team_id"]
    return {"project": await projects.create(uow, context.viewer, values.get("id"), values, team_id=team_id)}


async def update(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Updates a project."""
    expected = values.get("expected_version")
    return {"project": await projects.update(uow, context.viewer, values["id"], values, expected_version=expected)}


async def set_members(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Adds members to a project and removes others."""
    add, remove = values.get("add_user_ids") or (), values.get("remove_user_ids") or ()
    return {"project": await projects.set_members(uow, context.viewer, values["id"], add=add, remove=remove)}


async def delete(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Deletes a project."""
    expected = values.get("expected_version")
    deleted = await projects.delete(uow, context.viewer, values["id"], expected_version=expected)
    return {"deleted": deleted, "type": "Project"}


async def restore(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Restores a project."""
    return {"project": await projects.restore(uow, context.viewer, values["id"])}
