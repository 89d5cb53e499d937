"""Resolves push devices: the viewer's own, and their mutations."""

from collections.abc import Mapping, Sequence
from typing import Any

from domain import push_device as push_devices
from domain.push_device import PushPlatform
from persistence.stores import push_device
from persistence.unit_of_work import SqlUnitOfWork
from resolvers.context import Context, InputValues


async def of_accounts(context: Context, parents: Sequence[Any]) -> list[Sequence[Any]]:
    """The devices of the viewer, who is the only possible parent."""
    found = await push_device.of_user(context.database, context.viewer.user_id)
    return [found for _ in parents]


async def register(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Registers a device."""
    device = await push_devices.register(
        uow,
        context.viewer,
        platform=PushPlatform(values["platform"]),
        token=values["token"],
        label=values.get("label"),
        supported=context.services.push.platforms,
        rules=context.services.push.rules,
    )
    return {"device": device}


async def remove(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Removes a device."""
    return {"deleted": await push_devices.remove(uow, context.viewer, values["id"]), "type": "PushDevice"}
