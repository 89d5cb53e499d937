"""What administrators of the server do to accounts: suspend and reactivate them, and help people back in.

An administrator is named by a command first (`server.py admin users`), which acts for nobody: `actor` is None then. For everybody
else the accounts are not there.
"""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from domain import account_token, text
from domain import factor as factors
from domain import session as sessions
from domain import user as users
from domain.account_mail import AccountMail, AccountMailKind
from domain.account_token import TokenPurpose
from domain.actor import Actor
from domain.email_address import validate_email
from domain.errors import Forbidden, Invalid, NotFound, NotUnique
from domain.permissions import Action
from domain.ports import UnitOfWork
from domain.user import MAX_NAME_CHARS, User, UserStatus, record_update
from domain.version import with_changes

MAX_REASON_CHARS: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAccount:
    """An account without a password, and the token with which its owner chooses one."""

    user: User
    token: str


async def suspend(uow: UnitOfWork, actor: Actor | None, user_id: UUID, reason: str | None) -> User:
    """Shut somebody out until they are reactivated: all their sessions end, and their password and mails let nobody in."""
    before = await _lock(uow, actor, user_id)
    if actor is not None and user_id == actor.user_id:
        raise Forbidden(Action.MANAGE, "Nobody suspends themselves.")
    if before.suspended_at is not None:
        return before
    checked = None if reason is None else text.validate_name(reason, ("input", "reason"), limit=MAX_REASON_CHARS)
    user = with_changes(before, uow.now, status=UserStatus.INACTIVE, suspended_at=uow.now, suspension_reason=checked)
    await uow.users.save(user)
    await uow.account_tokens.remove_all(user.id, list(TokenPurpose))
    await sessions.revoke_all(uow, user.id, actor_id=_id_of(actor))
    await record_update(uow, _id_of(actor), before, user)
    return user


async def reactivate(uow: UnitOfWork, actor: Actor | None, user_id: UUID) -> User:
    """Let somebody who was suspended sign in again."""
    before = await _lock(uow, actor, user_id)
    if before.suspended_at is None:
        return before
    user = with_changes(before, uow.now, status=UserStatus.ACTIVE, suspended_at=None, suspension_reason=None)
    await uow.users.save(user)
    await record_update(uow, _id_of(actor), before, user)
    return user


async def force_reset(uow: UnitOfWork, user_id: UUID) -> str:
    """Take somebody's password away, end their sessions, and send them a token with which to choose another; the token."""
    user = await _lock(uow, None, user_id)
    if user.status is not UserStatus.ACTIVE:
        raise Invalid(("user",), "The account is suspended: reactivate it first.")
    await uow.users.set_password(user.id, None)
    await sessions.revoke_all(uow, user.id, actor_id=None)
    token = await account_token.issue(uow, TokenPurpose.PASSWORD_RESET, user.email_address, user_id=user.id)
    uow.send_mail(
        AccountMail(kind=AccountMailKind.RESET_PASSWORD, address=user.email_address, name=user.display_name, token=token)
    )
    return token


async def remove_factors(uow: UnitOfWork, user_id: UUID) -> int:
    """Remove all second factors of somebody who has lost them, and end their sessions; how many counted."""
    user = await _lock(uow, None, user_id)
    found = await uow.factors.list_for_user(user.id)
    await factors.remove_factors(uow, user, found, actor_id=None)
    await uow.factors.replace_recovery_codes(user.id, [])
    await sessions.revoke_all(uow, user.id, actor_id=None)
    return sum(each.confirmed_at is not None for each in found)


async def set_administrator(uow: UnitOfWork, user_id: UUID, *, is_administrator: bool) -> User:
    """Make somebody an administrator of the server, or no longer."""
    before = await _lock(uow, None, user_id)
    user = with_changes(before, uow.now, is_server_admin=is_administrator)
    if user is not before:
        await uow.users.save(user)
        await record_update(uow, None, before, user)
    return user


async def add_account(uow: UnitOfWork, *, email_address: str, first_name: str, last_name: str) -> NewAccount:
    """Make an account whoever may register; its owner chooses the password with the token. Raises NotUnique."""
    user = User(
        id=uow.new_id(),
        created_at=uow.now,
        updated_at=uow.now,
        email_address=validate_email(email_address, ("email",)),
        first_name=text.validate_name(first_name, ("firstName",), limit=MAX_NAME_CHARS),
        last_name=text.validate_name(last_name, ("lastName",), limit=MAX_NAME_CHARS),
    )
    if not await users.add(uow, user, None):
        raise NotUnique(("email",), "There is an account with this address.")
    token = await account_token.issue(uow, TokenPurpose.PASSWORD_RESET, user.email_address, user_id=user.id)
    return NewAccount(user=user, token=token)


async def _lock(uow: UnitOfWork, actor: Actor | None, user_id: UUID) -> User:
    """An account that is not closed, locked. Raises NotFound for whoever is no administrator."""
    if actor is not None:
        administrator = await uow.users.lock(actor.user_id)
        if administrator is None or not administrator.is_server_admin or administrator.status is not UserStatus.ACTIVE:
            raise NotFound(("input", "id"))
        await sessions.require_recent_sign_in(uow, actor)
    user = await uow.users.lock(user_id)
    if user is None or (user.status is UserStatus.INACTIVE and user.suspended_at is None):
        raise NotFound(("input", "id"))
    return user


def _id_of(actor: Actor | None) -> UUID | None:
    return None if actor is None else actor.user_id
