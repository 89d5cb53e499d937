"""Users: the viewer, other people, and what one changes about oneself."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import strawberry

from domain import account
from domain import user as users
from domain.actor import Scope
from domain.errors import BadUserInput
from domain.page import MATCH_ALL, Condition, Page, Paging
from persistence.stores import attachment, session, user
from persistence.stores.task_queries import ASSIGNED_TASKS
from persistence.stores.team import TEAMS_OF_USER
from persistence.unit_of_work import SqlUnitOfWork
from resolvers import ids
from resolvers.attachment import signed_url
from resolvers.context import Context, InputValues
from resolvers.inputs.filter import to_orders
from resolvers.inputs.task import TaskFilter, TaskOrder
from resolvers.page import ToOneLoader, collect_ids, list_all, list_pages
from resolvers.task import tasks_where

Id = Annotated[strawberry.ID, strawberry.argument(description="The user's global id.")]
Query = Annotated[str | None, strawberry.argument(description="Part of a name or e-mail address.")]


async def viewer(context: Context) -> Any:
    """Who is signed in; null for nobody."""
    if context.actor is None:
        return None
    context.require(Scope.PROFILE_READ)
    return (await user.by_ids(context.database, [context.actor.user_id])).get(context.actor.user_id)


async def get(context: Context, id: Id) -> Any:
    """Somebody who shares a team with the viewer, or himself."""
    user_id = ids.decode(id, "User", path=("id",))
    found = await user.visible_by_ids(context.database, context.viewer.user_id, [user_id], context.take_requested_columns())
    return found.get(user_id)


async def list_visible(context: Context, page: Paging, query: Query = None) -> Page[Any]:
    """Everybody who shares a team with the viewer, by name."""
    where = MATCH_ALL if not query else Condition("query", "contains", query[:200])
    return await list_all(context, user.USERS, page, where=where)


async def emails(context: Context, parents: Sequence[Any]) -> list[str | None]:
    """Addresses, for those who share a team with the viewer."""
    known = await user.sharing_team(context.database, context.viewer.user_id, collect_ids(parents, lambda each: each.id))
    return [each.email_address if each.id in known else None for each in parents]


async def avatar_urls(
    context: Context,
    parents: Sequence[Any],
    size: Annotated[int | None, strawberry.argument(description="Edge length in pixels, 16 to 1024.")] = 96,
) -> list[str | None]:
    """Where each picture is; as it was uploaded, whatever size is wanted: browsers scale, and address and cache stay the same."""
    if size is None or not 16 <= size <= 1024:
        raise BadUserInput("`size` lies between 16 and 1024.", path=("size",))
    wanted = collect_ids(parents, lambda each: each.avatar_id)
    found = await attachment.avatars_by_ids(context.database, wanted) if wanted else {}
    return [await signed_url(context, found[each.avatar_id], 3600) if each.avatar_id in found else None for each in parents]


async def teams(context: Context, parents: Sequence[Any], page: Paging) -> list[Page[Any]]:
    """The teams that a user shares with the viewer."""
    return await list_pages(context, TEAMS_OF_USER, parents, page)


async def assigned_tasks(
    context: Context,
    parents: Sequence[Any],
    page: Paging,
    filter: Annotated[TaskFilter | None, strawberry.argument(description="Narrows the list.")] = None,
    order_by: Annotated[list[TaskOrder] | None, strawberry.argument(description="Newest first when absent.")] = None,
) -> list[Page[Any]]:
    """The tasks that a user is to do, as far as the viewer may see them."""
    return await list_pages(context, ASSIGNED_TASKS, parents, page, where=tasks_where(filter), order=to_orders(order_by))


async def accounts(context: Context, parents: Sequence[Any]) -> list[Any]:
    """The viewer's own account; nobody else's."""
    own = context.viewer.user_id
    return [each if each.id == own else None for each in parents]


async def sessions(context: Context, parents: Sequence[Any]) -> list[Sequence[Any]]:
    """The open sessions of the viewer, who is the only possible parent."""
    found = await session.list_active(context.database, context.viewer.user_id, datetime.now(UTC))
    return [found for _ in parents]


async def is_current(context: Context, parents: Sequence[Any]) -> list[bool]:
    """Whether a session is the one that asks."""
    return [each.id == context.viewer.session_id for each in parents]


async def _by_id(context: Context, user_ids: Sequence[Any]) -> Mapping[Any, Any]:
    return await user.by_ids(context.database, user_ids, context.take_requested_columns())


authors = ToOneLoader("author_id", _by_id)
"""Who wrote each comment."""
assignees = ToOneLoader("assignee_id", _by_id)
"""Who is to do each task."""
creators = ToOneLoader("creator_id", _by_id)
"""Who wrote each task down."""
leads = ToOneLoader("lead_id", _by_id)
"""Who leads each project."""
owners = ToOneLoader("owner_id", _by_id)
"""Who owns each team."""
inviters = ToOneLoader("invited_by_id", _by_id)
"""Who made each invitation."""
resolvers = ToOneLoader("resolved_by_id", _by_id)
"""Who resolved each thread."""
uploaders = ToOneLoader("uploader_id", _by_id)
"""Who sent each file."""
actors = ToOneLoader("actor_id", _by_id)
"""Who did what each entry of the log tells."""
savers = ToOneLoader("created_by_id", _by_id)
"""Who saved each version."""
session_users = ToOneLoader("user_id", _by_id)
"""Whose each session in a document is."""


async def contributors(context: Context, parents: Sequence[Any]) -> list[list[Any]]:
    """Who wrote what is new in each version."""
    return await _load_lists(context, parents, "contributor_ids")


async def mentions(context: Context, parents: Sequence[Any]) -> list[list[Any]]:
    """Whom each comment mentions."""
    return await _load_lists(context, parents, "mention_ids")


async def _load_lists(context: Context, parents: Sequence[Any], attribute: str) -> list[list[Any]]:
    wanted = list({id_ for each in parents for id_ in getattr(each, attribute)})
    found = await user.by_ids(context.database, wanted) if wanted else {}
    return [[found[id_] for id_ in getattr(each, attribute) if id_ in found] for each in parents]


async def update(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Change one's own profile."""
    expected = values.pop("expected_version", None)
    return {"user": await users.update(uow, context.viewer, values, expected_version=expected)}


async def delete(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Close one's own account."""
    expected = values.get("expected_version")
    return {"deleted": await account.close_account(uow, context.viewer, values["id"], expected_version=expected), "type": "User"}
