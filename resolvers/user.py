"""Resolves users: the viewer, other people, and mutations of the viewer's profile."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import strawberry

from domain import account
from domain import user as users
from domain.actor import Scope
from domain.page import MATCH_ALL, Condition, Page, Paging
from domain.picture import ThumbnailShape
from persistence.stores import attachment, oauth_client, session, user
from persistence.stores.task_queries import ASSIGNED_TASKS
from persistence.stores.team import TEAMS_OF_USER
from persistence.unit_of_work import SqlUnitOfWork
from resolvers import ids
from resolvers.attachment import require_edge, thumbnail_url
from resolvers.context import Context, InputValues
from resolvers.inputs.filter import to_orders
from resolvers.inputs.task import TaskFilter, TaskOrder
from resolvers.page import ToOneLoader, collect_ids, list_all, list_pages
from resolvers.task import tasks_where

Id = Annotated[strawberry.ID, strawberry.argument(description="The user's global id.")]
Query = Annotated[
    str | None, strawberry.argument(description="Part of a name or e-mail address; case and accents do not matter.")
]

_AVATAR_SECONDS: Final = 3600


async def viewer(context: Context) -> Any:
    """The signed-in user; None for an anonymous request."""
    if context.actor is None:
        return None
    _require_contact_data(context)
    return (await user.by_ids(context.database, [context.actor.user_id])).get(context.actor.user_id)


async def get(context: Context, id: Id) -> Any:
    """A user who shares a team with the viewer, or is the viewer."""
    user_id = ids.decode(id, "User", path=("id",))
    found = await user.visible_by_ids(context.database, context.viewer.user_id, [user_id], context.take_requested_columns())
    return found.get(user_id)


async def list_visible(context: Context, page: Paging, query: Query = None) -> Page[Any]:
    """The users who share a team with the viewer, by name."""
    where = MATCH_ALL if not query else Condition("query", "contains", query[:200])
    return await list_all(context, user.USERS, page, where=where)


async def emails(context: Context, parents: Sequence[Any]) -> list[str | None]:
    """The e-mail address of each user who shares a team with the viewer; None for others."""
    known = await user.sharing_team(context.database, context.viewer.user_id, collect_ids(parents, lambda each: each.id))
    return [each.email_address if each.id in known else None for each in parents]


async def avatar_urls(
    context: Context,
    parents: Sequence[Any],
    size: Annotated[
        int | None, strawberry.argument(description="Edge length in pixels, 16 to 1024; rounded up, never enlarged.")
    ] = 96,
) -> list[str | None]:
    """The URL of each picture, as a square."""
    edge = require_edge(size)
    ids_ = collect_ids(parents, lambda each: each.avatar_id)
    found = await attachment.avatars_by_ids(context.services.database, ids_) if ids_ else {}
    return [
        thumbnail_url(context, found[each.avatar_id], ThumbnailShape.SQUARE, edge, _AVATAR_SECONDS)
        if each.avatar_id in found
        else None
        for each in parents
    ]


async def teams(context: Context, parents: Sequence[Any], page: Paging) -> list[Page[Any]]:
    """The teams that each user shares with the viewer."""
    return await list_pages(context, TEAMS_OF_USER, parents, page)


async def assigned_tasks(
    context: Context,
    parents: Sequence[Any],
    page: Paging,
    filter: Annotated[TaskFilter | None, strawberry.argument(description="Narrows the list.")] = None,
    order_by: Annotated[list[TaskOrder] | None, strawberry.argument(description="Newest first when absent.")] = None,
) -> list[Page[Any]]:
    """The tasks assigned to each user, as far as the viewer may see them."""
    return await list_pages(context, ASSIGNED_TASKS, parents, page, where=tasks_where(filter), order=to_orders(order_by))


async def accounts(context: Context, parents: Sequence[Any]) -> list[Any]:
    """The account of the viewer; None for other users."""
    _require_contact_data(context)
    own = context.viewer.user_id
    return [each if each.id == own else None for each in parents]


async def are_server_admins(context: Context, parents: Sequence[Any]) -> list[bool]:
    """Whether the viewer administers the server."""
    return [each.is_server_admin for each in parents]


async def sessions(context: Context, parents: Sequence[Any]) -> list[Sequence[Any]]:
    """The open sessions of the viewer, who is the only possible parent."""
    found = await session.list_active(context.database, context.viewer.user_id, datetime.now(UTC))
    return [found for _ in parents]


async def app_names(context: Context, parents: Sequence[Any]) -> list[str | None]:
    """The name of the app that each session was granted to; None for sessions that somebody opened themselves."""
    client_ids = list({each.client_id for each in parents if each.client_id is not None})
    found = await oauth_client.names(context.database, client_ids) if client_ids else {}
    return [found.get(each.client_id) for each in parents]


async def is_current(context: Context, parents: Sequence[Any]) -> list[bool]:
    """Whether each session is that of the request."""
    return [each.id == context.viewer.session_id for each in parents]


async def _by_id(context: Context, user_ids: Sequence[Any]) -> Mapping[Any, Any]:
    return await user.by_ids(context.services.database, user_ids, context.take_requested_columns())


authors = ToOneLoader("author_id", _by_id, user.BY_IDS)
"""The author of each comment."""
assignees = ToOneLoader("assignee_id", _by_id, user.BY_IDS)
"""The assignee of each task."""
creators = ToOneLoader("creator_id", _by_id, user.BY_IDS)
"""The creator of each task."""
leads = ToOneLoader("lead_id", _by_id, user.BY_IDS)
"""The lead of each project."""
owners = ToOneLoader("owner_id", _by_id, user.BY_IDS)
"""The owner of each team."""
inviters = ToOneLoader("invited_by_id", _by_id, user.BY_IDS)
"""The user who sent each invitation."""
resolvers = ToOneLoader("resolved_by_id", _by_id, user.BY_IDS)
"""The user who resolved each thread."""
uploaders = ToOneLoader("uploader_id", _by_id, user.BY_IDS)
"""The uploader of each file."""
actors = ToOneLoader("actor_id", _by_id, user.BY_IDS)
"""The actor of each entry of the log."""
savers = ToOneLoader("created_by_id", _by_id, user.BY_IDS)
"""The user who saved each version."""
bots = ToOneLoader("bot_id", _by_id, user.BY_IDS)
"""The bot of each webhook."""
session_users = ToOneLoader("user_id", _by_id, user.BY_IDS)
"""The user of each session in a document."""


async def contributors(context: Context, parents: Sequence[Any]) -> list[list[Any]]:
    """The contributors of each version."""
    return await _load_lists(context, parents, "contributor_ids")


async def mentions(context: Context, parents: Sequence[Any]) -> list[list[Any]]:
    """The users mentioned in each comment."""
    return await _load_lists(context, parents, "mention_ids")


async def _load_lists(context: Context, parents: Sequence[Any], attribute: str) -> list[list[Any]]:
    ids_ = list({id_ for each in parents for id_ in getattr(each, attribute)})
    found = await user.by_ids(context.services.database, ids_) if ids_ else {}
    return [[found[id_] for id_ in getattr(each, attribute) if id_ in found] for each in parents]


async def update(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Updates the viewer's profile."""
    expected = values.pop("expected_version", None)
    return {"user": await users.update(uow, context.viewer, values, expected_version=expected)}


async def delete(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Closes the viewer's account."""
    expected = values.get("expected_version")
    return {"deleted": await account.close_account(uow, context.viewer, values["id"], expected_version=expected), "type": "User"}


def _require_contact_data(context: Context) -> None:
    """Services that notify people need no more than the scope of notifications to know whom they write to."""
    if Scope.NOTIFICATIONS_READ not in context.viewer.scopes:
        context.require(Scope.PROFILE_READ)
