"""Resolves registering, signing in, refreshing sessions and signing out."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from domain import account, registration, sign_in
from domain import session as sessions
from domain import user as users
from domain.actor import ALL_SCOPES, Actor
from domain.email_address import validate_email
from domain.errors import Invalid, SecondFactorRequired, Unauthenticated
from domain.passkey import CHALLENGE_SECONDS, GRAPH_AUDIENCE, Assertion, audience_of
from domain.session import Session
from domain.sign_in import FactorRequired, ShownFactor, SignedIn, SignInResult
from domain.user import User
from persistence.unit_of_work import SqlUnitOfWork
from resolvers.context import Context, InputValues


async def hash_password(context: Context, values: InputValues) -> InputValues:
    """The input of `register` with a hash in place of the password; hashing holds no connection."""
    validate_email(values["email"], ("input", "email"))
    password = users.validate_password(values.pop("password"), ("input", "password"))
    sign_in, address = context.services.sign_in, context.device.ip_address
    await sign_in.count_registration(address)
    if context.services.registration != "open":
        await sign_in.count_mail(values["email"], address=address)
    return values | {"password_hash": await context.services.passwords.hash(password)}


async def register(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Registers an account and signs in; or, where the address must be verified first, has a mail sent to it."""
    given = {
        "email_address": values["email"],
        "password_hash": values["password_hash"],
        "first_name": values["first_name"],
        "last_name": values["last_name"],
    }
    mode = context.services.registration
    if mode != "open":
        await registration.request(uow, **given, invited_only=mode == "invite")
        return {}
    user = await registration.register(uow, **given)
    session, refresh_token = await sessions.open_session(uow, user, context.device)
    return _session_result(context, user, session, refresh_token)


async def check_password(context: Context, values: InputValues) -> InputValues:
    """Who has the address and the password; comparing holds no connection."""
    device, factor = context.device, _shown_factor(values, GRAPH_AUDIENCE)
    result = await context.services.sign_in.with_password(
        values["email"], values["password"], factor=factor, address=device.ip_address, user_agent=device.user_agent
    )
    return {"signed_in": _require_complete(result)}


async def request_passkey(context: Context, values: InputValues, key: str | None) -> Mapping[str, Any]:
    """Options for asking a passkey to sign: for the viewer's session, or for signing in."""
    relying_party = context.services.relying_party
    if not relying_party.is_available:
        raise Invalid(("input",), "Passkeys need a server with a name; its operator sets HIVE_PUBLIC_URL.")
    return {
        "options": relying_party.request_options(audience=audience_of(context.actor)),
        "expires_at": context.now + timedelta(seconds=CHALLENGE_SECONDS),
    }


async def check_passkey(context: Context, values: InputValues) -> InputValues:
    """Whose passkey has signed."""
    assertion = Assertion(credential=values["credential"], audience=GRAPH_AUDIENCE)
    device, service = context.device, context.services.sign_in
    return {"signed_in": await service.with_passkey(assertion, address=device.ip_address, user_agent=device.user_agent)}


async def create(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Signs in whom `check_password` found."""
    session, refresh_token = await sign_in.open_session(uow, values["signed_in"], context.device)
    return _session_result(context, values["signed_in"].user, session, refresh_token)


async def refresh(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Refreshes a session: returns a new access token, and a new refresh token in place of the given one."""
    refreshed = await sessions.refresh(uow, values["refresh_token"], context.device)
    if refreshed is None:
        return {"refused": Unauthenticated(sessions.INVALID_REFRESH_MESSAGE, path=("input", "refreshToken"))}
    user, session, refresh_token = refreshed
    return _session_result(context, user, session, refresh_token)


async def revoke(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Ends sessions."""
    others = bool(values.get("all_others"))
    await sessions.revoke(uow, context.viewer, values.get("session_id"), all_others=others)
    return {}


async def check_own_password(context: Context, values: InputValues) -> InputValues:
    """Raises Unauthenticated unless password and factor are the viewer's, or the passkey is."""
    viewer, sign_in, device = context.viewer, context.services.sign_in, context.device
    client = {"address": device.ip_address, "user_agent": device.user_agent}
    factor, password = _shown_factor(values, audience_of(viewer)), values.get("password")
    if password is not None:
        return {"signed_in": _require_complete(await sign_in.again(viewer.user_id, password, factor=factor, **client))}
    if not isinstance(factor, Assertion):
        raise Invalid(("input", "password"), "Send the password, or the credential of a passkey.")
    return {"signed_in": await sign_in.with_passkey(factor, user_id=viewer.user_id, **client)}


async def reauthenticate(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Notes that the viewer has just shown who they are."""
    await sign_in.reauthenticate(uow, context.viewer, values["signed_in"])
    return {}


async def hash_new_password(context: Context, values: InputValues) -> InputValues:
    """A hash in place of the new password."""
    password = users.validate_password(values.pop("new_password"), ("input", "newPassword"))
    return values | {"password_hash": await context.services.passwords.hash(password)}


async def change_password(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Replaces the viewer's password."""
    await account.change_password(uow, context.viewer, values["password_hash"])
    return {}


def _shown_factor(values: InputValues, audience: str) -> ShownFactor | None:
    """The factor of an input: what a passkey has signed, or else a code."""
    if (credential := values.get("credential")) is not None:
        return Assertion(credential=credential, audience=audience)
    code: str | None = values.get("code")
    return code


def _require_complete(result: SignInResult) -> SignedIn:
    """Raises SecondFactorRequired when a code is missing: a client asks again with it, and with the password."""
    if isinstance(result, FactorRequired):
        raise SecondFactorRequired
    return result


def _session_result(context: Context, user: User, session: Session, refresh_token: str) -> Mapping[str, Any]:
    # The rest of the operation runs as the new user, who may read the payload.
    context.actor = Actor(user_id=user.id, session_id=session.id)
    tokens = {
        "access_token": context.services.tokens.issue(session),
        "refresh_token": refresh_token,
        "expires_in": context.services.tokens.lifetime_seconds,
        "scopes": sorted(ALL_SCOPES),
    }
    return {"user": user, "tokens": tokens}
