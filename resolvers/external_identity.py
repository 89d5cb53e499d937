"""Resolves identities of outside OpenID providers and their mutation."""

from collections.abc import Mapping, Sequence
from typing import Any

from domain import external_identity as identities
from persistence.stores import external_identity
from persistence.unit_of_work import SqlUnitOfWork
from resolvers.context import Context, InputValues


async def of_accounts(context: Context, parents: Sequence[Any]) -> list[Sequence[Any]]:
    """The identities of the viewer, who is the only possible parent."""
    found = await external_identity.of_user(context.database, context.viewer.user_id)
    return [found for _ in parents]


async def remove(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Lets an identity sign the viewer in no more."""
    return {"deleted": await identities.remove(uow, context.viewer, values["id"]), "type": "ExternalIdentity"}
