"""Resolves the information about the server."""

from typing import Annotated

import strawberry

from domain.cost_limit import CostCharge
from resolvers.context import Context, Services

DryRun = Annotated[
    bool | None,
    strawberry.argument(
        description="Whether nothing but this field is executed, and the operation is charged 1: the other fields are null."
    ),
]


async def server(context: Context) -> Services:
    """The services, from which the fields read."""
    return context.services


async def rate_limit(context: Context, dry_run: DryRun = False) -> CostCharge | None:
    """What the operation was charged (`gateway.execution.dry_run` keeps the rest of a dry run from being executed)."""
    return context.charge
