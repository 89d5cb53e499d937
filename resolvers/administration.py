"""Resolves what administrators of the server do to accounts."""

from collections.abc import Mapping
from typing import Annotated, Any

import strawberry

from domain import administration
from domain.page import AllOf, Condition, Page, Paging, Where
from domain.user import UserStatus
from persistence.stores import user
from persistence.unit_of_work import SqlUnitOfWork
from resolvers.context import Context, InputValues
from resolvers.page import list_all


async def accounts(
    context: Context,
    page: Paging,
    query: Annotated[
        str | None, strawberry.argument(description="Part of a name or e-mail address; case and accents do not matter.")
    ] = None,
    status: Annotated[UserStatus | None, strawberry.argument(description="Only those with this status.")] = None,
) -> Page[Any]:
    """All accounts, for administrators of the server; nothing for others."""
    conditions: list[Where] = []
    if query:
        conditions.append(Condition("query", "contains", query[:200]))
    if status is not None:
        conditions.append(Condition("status", "eq", status))
    return await list_all(context, user.SERVER_USERS, page, where=AllOf(tuple(conditions)))


async def suspend(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Suspends an account."""
    return {"user": await administration.suspend(uow, context.viewer, values["id"], values.get("reason"))}


async def reactivate(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Reactivates an account."""
    return {"user": await administration.reactivate(uow, context.viewer, values["id"])}
