"""Projects, their members and their progress."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import strawberry

from domain import project as projects
from domain.page import MATCH_ALL, Condition, Not, Page, Paging
from persistence.events.activity import PROJECT_ACTIVITY
from persistence.stores import project
from persistence.stores.task import project_progress
from persistence.stores.user import PROJECT_MEMBERS
from persistence.unit_of_work import SqlUnitOfWork
from resolvers import ids
from resolvers.context import Context, Given
from resolvers.event_visibility import lent
from resolvers.inputs.filter import orders, where
from resolvers.inputs.project import FILTER_TYPES, ProjectFilter, ProjectOrder
from resolvers.page import ToOne, lists, named, whole_list
from resolvers.progress import Progress

Id = Annotated[strawberry.ID, strawberry.argument(description="The project's global id.")]
Filter = Annotated[ProjectFilter | None, strawberry.argument(description="Narrows the list.")]
OrderBy = Annotated[list[ProjectOrder] | None, strawberry.argument(description="By name when absent.")]

_NO_DOCUMENTS = Not(Condition("about_type", "eq", "Document"))


async def one(context: Context, id: Id) -> Any:
    """A project that the viewer may see."""
    project_id = ids.decode(id, "Project", path=("id",))
    found = await project.by_ids(context.database, context.viewer.user_id, [project_id], context.take_wanted())
    return found.get(project_id)


async def many(context: Context, page: Paging, filter: Filter = None, order_by: OrderBy = None) -> Page[Any]:
    """Every project that the viewer may see."""
    return await whole_list(context, project.PROJECTS, page, where=where(filter, FILTER_TYPES), order=orders(order_by))


async def of_teams(
    context: Context, parents: Sequence[Any], page: Paging, filter: Filter = None, order_by: OrderBy = None
) -> list[Page[Any]]:
    """Each team's projects."""
    return await lists(context, project.TEAM_PROJECTS, parents, page, where=where(filter, FILTER_TYPES), order=orders(order_by))


async def _named(context: Context, project_ids: Sequence[Any]) -> Mapping[Any, Any]:
    return await project.by_ids(context.database, context.viewer.user_id, project_ids, context.take_wanted())


of_tasks = ToOne("project_id", _named)
"""The project of each task."""


async def members(context: Context, parents: Sequence[Any], page: Paging) -> list[Page[Any]]:
    """Who was added to each project, by name."""
    return await lists(context, PROJECT_MEMBERS, parents, page)


async def activity(context: Context, parents: Sequence[Any], page: Paging) -> list[Page[Any]]:
    """What happened in each project, latest first."""
    return await lists(
        context, PROJECT_ACTIVITY, parents, page, where=MATCH_ALL if lent(context.viewer, "Document") else _NO_DOCUMENTS
    )


async def progress(context: Context, parents: Sequence[Any]) -> list[Progress]:
    """How far each project is."""
    found = await project_progress(context.database, context.viewer.user_id, named(parents, lambda each: each.id))
    return [Progress.of(found.get(each.id, ())) for each in parents]


async def create(context: Context, uow: SqlUnitOfWork, given: Given) -> Mapping[str, Any]:
    """Start a project."""
    team_id = given["team_id"]
    return {"project": await projects.create(uow, context.viewer, given.get("id"), given, team_id=team_id)}


async def update(context: Context, uow: SqlUnitOfWork, given: Given) -> Mapping[str, Any]:
    """Change a project."""
    expected = given.get("expected_version")
    return {"project": await projects.update(uow, context.viewer, given["id"], given, expected_version=expected)}


async def set_members(context: Context, uow: SqlUnitOfWork, given: Given) -> Mapping[str, Any]:
    """Add people to a project and take others out."""
    add, remove = given.get("add_user_ids") or (), given.get("remove_user_ids") or ()
    return {"project": await projects.set_members(uow, context.viewer, given["id"], add=add, remove=remove)}


async def delete(context: Context, uow: SqlUnitOfWork, given: Given) -> Mapping[str, Any]:
    """Put a project away."""
    expected = given.get("expected_version")
    gone = await projects.delete(uow, context.viewer, given["id"], expected_version=expected)
    return {"deleted": gone, "type": "Project"}


async def restore(context: Context, uow: SqlUnitOfWork, given: Given) -> Mapping[str, Any]:
    """Bring a project back."""
    return {"project": await projects.restore(uow, context.viewer, given["id"])}
