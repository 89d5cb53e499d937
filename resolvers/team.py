"""Resolves teams, their members and invitations, and their mutations."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import strawberry

from domain import invitation as invitations
from domain import team as teams
from domain.page import AllOf, Condition, Page, Paging, Where
from domain.permissions import Role
from persistence.stores import team
from persistence.stores.invitation import INVITATIONS
from persistence.unit_of_work import SqlUnitOfWork
from resolvers import ids
from resolvers.context import Context, InputValues
from resolvers.page import ToOneLoader, collect_ids, list_all, list_pages, match_by_key

Id = Annotated[strawberry.ID, strawberry.argument(description="The team's global id.")]


async def get(context: Context, id: Id) -> Any:
    """A team of the viewer."""
    team_id = ids.decode(id, "Team", path=("id",))
    requested = context.take_requested_columns(), context.take_requested_joins()
    found = await team.by_ids(context.database, context.viewer.user_id, [team_id], *requested)
    return found.get(team_id)


async def list_visible(context: Context, page: Paging) -> Page[Any]:
    """The viewer's teams, by name."""
    return await list_all(context, team.TEAMS, page)


async def _by_id(context: Context, team_ids: Sequence[Any]) -> Mapping[Any, Any]:
    return await team.by_ids(context.database, context.viewer.user_id, team_ids, context.take_requested_columns())


of_parents = ToOneLoader("team_id", _by_id, team.BY_IDS)
"""The team of each project or label."""


async def viewer_roles(context: Context, parents: Sequence[Any]) -> list[Role | None]:
    """The role of the viewer in each team."""
    found = await team.roles(context.database, context.viewer.user_id, collect_ids(parents, lambda each: each.id))
    return match_by_key(parents, lambda each: each.id, found)


async def members(
    context: Context,
    parents: Sequence[Any],
    page: Paging,
    role: Annotated[Role | None, strawberry.argument(description="Only those with this role.")] = None,
    query: Annotated[
        str | None, strawberry.argument(description="Part of a name or e-mail address; case and accents do not matter.")
    ] = None,
) -> list[Page[Any]]:
    """The members of each team, by name."""
    conditions: list[Where] = []
    if role is not None:
        conditions.append(Condition("role", "eq", role))
    if query:
        conditions.append(Condition("query", "contains", query[:200]))
    return await list_pages(context, team.TEAM_MEMBERS, parents, page, where=AllOf(tuple(conditions)))


async def open_invitations(context: Context, parents: Sequence[Any], page: Paging) -> list[Page[Any]]:
    """The invitations that have not been accepted, latest first; visible to members."""
    return await list_pages(context, INVITATIONS, parents, page)


async def create(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Creates a team."""
    description = values.get("description")
    return {
        "team": await teams.create(
            uow, context.viewer, values.get("id"), name=values["name"], key=values.get("key"), description=description
        )
    }


async def update(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Updates a team."""
    expected = values.get("expected_version")
    return {"team": await teams.update(uow, context.viewer, values["id"], values, expected_version=expected)}


async def delete(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Deletes a team."""
    expected = values.get("expected_version")
    deleted = await teams.delete(uow, context.viewer, values["id"], expected_version=expected)
    return {"deleted": deleted, "type": "Team"}


async def invite(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Invites an e-mail address."""
    joined, invitation, token = await invitations.invite(uow, context.viewer, values["team_id"], values["email"], values["role"])
    return {"team": joined, "invitation": invitation, "invitation_token": token}


async def accept_invitation(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Accepts an invitation."""
    return {"team": await invitations.accept(uow, context.viewer, values["token"])}


async def revoke_invitation(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Revokes an invitation."""
    return {"deleted": await invitations.revoke(uow, context.viewer, values["id"]), "type": "Invitation"}


async def set_role(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Sets the role of a member."""
    return {"team": await teams.set_role(uow, context.viewer, values["team_id"], values["user_id"], values["role"])}


async def remove_member(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Removes a member, or leaves."""
    return {"team": await teams.remove_member(uow, context.viewer, values["team_id"], values["user_id"])}
