"""Resolves factors and their mutations."""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from domain import factor as factors_
from domain import totp
from domain.errors import Invalid
from domain.factor import FactorKind
from domain.passkey import creation_audience
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
    if values["kind"] is FactorKind.PASSKEY:
        return await _start_passkey(context, uow, values.get("label"))
    secret, encrypted = context.services.totp_secrets.new_secret(viewer.user_id)
    started = await factors_.start_totp(uow, viewer, values.get("label"), encrypted)
    account = (await user.by_ids(context.database, [viewer.user_id]))[viewer.user_id].email_address
    shown = {"uri": totp.provisioning_uri(secret, account, _ISSUER), "secret": base64.b32encode(secret).decode()}
    return {"factor": started, "secret": shown}


async def _start_passkey(context: Context, uow: SqlUnitOfWork, label: str | None) -> Mapping[str, Any]:
    relying_party = context.services.relying_party
    if not relying_party.is_available:
        raise Invalid(("input", "kind"), "Passkeys need a server with a name; its operator sets HIVE_PUBLIC_URL.")
    started, owner, existing = await factors_.start_passkey(uow, context.viewer, label)
    options = relying_party.creation_options(owner, existing, audience=creation_audience(context.viewer, started.id))
    return {"factor": started, "secret": {"options": options}}


async def check_shown(context: Context, values: InputValues) -> InputValues:
    """The input with what it shows of the factor: the step that the code is of, or the passkey that was made."""
    viewer, factor_id = context.viewer, values["id"]
    if (credential := values.get("credential")) is not None:
        audience = creation_audience(viewer, factor_id)
        return values | {"shown": await context.services.relying_party.verify_creation(credential, audience=audience)}
    code = values.get("code") or ""
    return values | {"shown": await context.services.totp_secrets.matching_step(viewer.user_id, factor_id, code)}


async def confirm(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Makes a factor count."""
    confirmed, codes = await factors_.confirm(uow, context.viewer, values["id"], values["shown"])
    return {"factor": confirmed, "secret": None if codes is None else {"recoveryCodes": codes}}


async def remove(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Removes a factor."""
    return {"deleted": await factors_.remove(uow, context.viewer, values["id"]), "type": "Factor"}
