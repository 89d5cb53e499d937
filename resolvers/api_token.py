"""Resolves personal API tokens: the viewer's own, and their mutations."""

from collections.abc import Mapping, Sequence
from typing import Any

from domain import api_token as api_tokens
from persistence.stores import api_token
from persistence.unit_of_work import SqlUnitOfWork
from resolvers.context import Context, InputValues


async def of_accounts(context: Context, parents: Sequence[Any]) -> list[Sequence[Any]]:
    """The tokens of the viewer, who is the only possible parent."""
    found = await api_token.of_user(context.database, context.viewer.user_id)
    return [found for _ in parents]


async def create(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Creates a token."""
    token, secret = await api_tokens.create(
        uow, context.viewer, name=values["name"], scopes=values["scopes"], expires_at=values.get("expires_at")
    )
    return {"api_token": token, "secret": secret}


async def revoke(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Ends a token."""
    return {"deleted": await api_tokens.revoke(uow, context.viewer, values["id"]), "type": "ApiToken"}
