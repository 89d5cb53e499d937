"""Resolves OAuth clients of teams, and their mutations."""

from collections.abc import Mapping, Sequence
from typing import Any

from domain import oauth_client as oauth_clients
from persistence.stores import oauth_client
from persistence.unit_of_work import SqlUnitOfWork
from resolvers.context import Context, InputValues
from resolvers.page import collect_ids


async def of_teams(context: Context, parents: Sequence[Any]) -> list[list[Any]]:
    """The clients of each team that the viewer manages, the oldest first; none of other teams."""
    found = await oauth_client.of_teams(context.database, context.viewer.user_id, collect_ids(parents, lambda each: each.id))
    by_team: dict[Any, list[Any]] = {}
    for each in found:
        by_team.setdefault(each.team_id, []).append(each)
    return [by_team.get(each.id, []) for each in parents]


async def create(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Creates a client."""
    client, secret = await oauth_clients.create(
        uow,
        context.viewer,
        values["team_id"],
        name=values["name"],
        is_public=values["is_public"],
        redirect_uris=values["redirect_uris"],
        grants=values["grants"],
        scopes=values["scopes"],
    )
    return {"oauth_client": client, "secret": secret}


async def rotate_secret(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Gives a client another secret."""
    expected = values.get("expected_version")
    client, secret = await oauth_clients.rotate_secret(uow, context.viewer, values["id"], expected_version=expected)
    return {"oauth_client": client, "secret": secret}


async def delete(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Deletes a client."""
    expected = values.get("expected_version")
    deleted = await oauth_clients.delete(uow, context.viewer, values["id"], expected_version=expected)
    return {"deleted": deleted, "type": "OAuthClient"}
