"""Signing up, in and out."""

from collections.abc import Mapping
from typing import Any

from domain import session as sessions
from domain import user as users
from domain.actor import EVERY_SCOPE
from domain.errors import Unauthenticated
from domain.session import Session
from domain.user import User, UserStatus
from persistence.unit_of_work import SqlUnitOfWork
from persistence.user import credentials
from resolvers.context import Context, Given


async def register(context: Context, uow: SqlUnitOfWork, given: Given) -> Mapping[str, Any]:
    """Make an account and sign in to it."""
    password = users.password(given["password"], ("input", "password"))
    users.email(given["email"], ("input", "email"))
    user = await users.register(
        uow,
        email_address=given["email"],
        password_hash=await context.services.passwords.hash(password),
        first_name=given["first_name"],
        last_name=given["last_name"],
    )
    session, refresh_token = await sessions.open_session(uow, user, context.device)
    return _signed_in(context, user, session, refresh_token)


async def create(context: Context, uow: SqlUnitOfWork, given: Given) -> Mapping[str, Any]:
    """Sign in by password. A wrong password and an unknown address are the same answer after the same time."""
    found = await credentials(context.database, given["email"].strip()[:254])
    user, hashed = found if found is not None else (None, None)
    right = await context.services.passwords.verify(given["password"][: users.LONGEST_PASSWORD + 1], hashed)
    if user is None or not right or user.status is UserStatus.INACTIVE:
        raise Unauthenticated("The e-mail address or the password is wrong.", path=("input",))
    session, refresh_token = await sessions.open_session(uow, user, context.device)
    return _signed_in(context, user, session, refresh_token)


async def refresh(context: Context, uow: SqlUnitOfWork, given: Given) -> Mapping[str, Any]:
    """Stay signed in: a new access token, and a new refresh token in the place of the given one."""
    refreshed = await sessions.refresh(uow, given["refresh_token"], context.device)
    if refreshed is None:
        return {"refused": Unauthenticated(sessions.REFUSED, path=("input", "refreshToken"))}
    user, session, refresh_token = refreshed
    return _signed_in(context, user, session, refresh_token)


async def revoke(context: Context, uow: SqlUnitOfWork, given: Given) -> Mapping[str, Any]:
    """Sign out."""
    others = bool(given.get("all_others"))
    await sessions.revoke(uow, context.viewer, given.get("session_id"), all_others=others)
    return {}


def _signed_in(context: Context, user: User, session: Session, refresh_token: str) -> Mapping[str, Any]:
    tokens = {
        "access_token": context.services.tokens.issue(session),
        "refresh_token": refresh_token,
        "expires_in": context.services.tokens.lifetime,
        "scopes": sorted(EVERY_SCOPE),
    }
    return {"user": user, "tokens": tokens}
