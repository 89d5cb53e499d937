"""Resolves second factors and their mutations."""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from domain import factor as factors_
from domain import totp
from domain.factor import FactorKind
from persistence.stores import factor, user
from persistence.unit_of_work import SqlUnitOfWork
from resolvers.context import Context, InputValues

_ISSUER = "PantheraHive"


async def factors(context: Context, parents: Sequence[Any]) -> list[Sequence[Any]]:
    """The factors of the viewer, who is the only possible parent."""
    found = await factor.list_confirmed(context.database, context.viewer.user_id)
    return [found for _ in parents]


async def recovery_codes_left(context: Context, parents: Sequence[Any]) -> list[int]:
    """How many recovery codes the viewer has left."""
    left = await factor.count_recovery_codes(context.database, context.viewer.user_id)
    return [left for _ in parents]


async def start(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Begins a factor, or renews the recovery codes."""
    viewer = context.viewer
    if values["kind"] is FactorKind.RECOVERY_CODE:
        return {"secret": {"recoveryCodes": await factors_.renew_recovery_codes(uow, viewer)}}
    secret, encrypted = context.services.totp_secrets.new_secret(viewer.user_id)
    started = await factors_.start_totp(uow, viewer, values.get("label"), encrypted)
    account = (await user.by_ids(context.database, [viewer.user_id]))[viewer.user_id].email_address
    shown = {"uri": totp.provisioning_uri(secret, account, _ISSUER), "secret": base64.b32encode(secret).decode()}
    return {"factor": started, "secret": shown}


async def find_step(context: Context, values: InputValues) -> InputValues:
    """The input with the step that the code is of."""
    step = await context.services.totp_secrets.matching_step(context.viewer.user_id, values["id"], values["code"])
    return values | {"step": step}


async def confirm(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Makes a factor count."""
    confirmed, codes = await factors_.confirm(uow, context.viewer, values["id"], values["step"])
    return {"factor": confirmed, "secret": None if codes is None else {"recoveryCodes": codes}}


async def remove(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Removes a factor."""
    return {"deleted": await factors_.remove(uow, context.viewer, values["id"]), "type": "Factor"}
