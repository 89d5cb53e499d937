"""Resolves what administrators of the server do to accounts."""

from collections.abc import Mapping
from typing import Any

from domain import administration
from persistence.unit_of_work import SqlUnitOfWork
from resolvers.context import Context, InputValues


async def suspend(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Suspends an account."""
    return {"user": await administration.suspend(uow, context.viewer, values["id"], values.get("reason"))}


async def reactivate(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Reactivates an account."""
    return {"user": await administration.reactivate(uow, context.viewer, values["id"])}
