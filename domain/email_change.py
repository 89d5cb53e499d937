"""The address of an account: verifying it, and changing it, which both addresses confirm."""

from dataclasses import replace

from domain import account_token, registration
from domain import notification as notifications
from domain import session as sessions
from domain.account_mail import AccountMail, AccountMailKind
from domain.account_token import AccountToken, TokenPurpose
from domain.actor import Actor
from domain.email_address import email_key, validate_email
from domain.errors import Invalid, NotFound, NotUnique
from domain.ports import UnitOfWork
from domain.user import User, UserStatus, lock_self, record_update
from domain.version import with_changes

_CHANGE = (TokenPurpose.EMAIL_CHANGE_OLD, TokenPurpose.EMAIL_CHANGE_NEW)


async def request(uow: UnitOfWork, actor: Actor, new_address: str) -> None:
    """
    Ask the old and the new address to confirm the change; for an own address that is not verified, ask it again for that.

    Whether the new address has an account is not told: it is not written to then.
    """
    user = await lock_self(uow, actor)
    await sessions.require_recent_sign_in(uow, actor)
    address = validate_email(new_address, ("input", "email"))
    if email_key(address) == user.email_key:
        if user.email_verified_at is not None:
            raise Invalid(("input", "email"), "This is the account's address.")
        await registration.request_verification(uow, user)
        return
    await uow.account_tokens.remove_all(user.id, _CHANGE)
    asked = AccountMail(
        kind=AccountMailKind.CONFIRM_OLD_EMAIL, address=user.email_address, name=user.display_name, new_address=address
    )
    old, new = [await account_token.issue(uow, each, address, user_id=user.id) for each in _CHANGE]
    uow.send_mail(replace(asked, token=old))
    if await uow.users.by_email(address) is None:
        uow.send_mail(replace(asked, kind=AccountMailKind.CONFIRM_NEW_EMAIL, address=address, token=new))


async def confirm(uow: UnitOfWork, secret: str) -> User:
    """
    Use a token that was sent to verify an address, to register, or to change an address; the account as it is then.

    Raises NotFound, and NotUnique when somebody else has got the new address in between.
    """
    token = await account_token.find(uow, secret, TokenPurpose.REGISTRATION, TokenPurpose.EMAIL_VERIFICATION, *_CHANGE)
    if token.purpose is TokenPurpose.REGISTRATION:
        return await registration.complete(uow, token)
    user = await lock_owner(uow, token)
    await account_token.use(uow, token)
    if token.purpose is TokenPurpose.EMAIL_VERIFICATION:
        return await verify(uow, user, token)
    if any(each.purpose in _CHANGE for each in await uow.account_tokens.list_for_user(user.id)):
        return user  # the other address has not confirmed yet
    changed = with_changes(user, uow.now, email_address=token.email, email_verified_at=uow.now)
    if not await uow.users.save_address(changed):
        raise NotUnique(("input", "token"), "There is an account with this address.")
    await record_update(uow, user.id, user, changed)
    await uow.account_tokens.remove_all(user.id, list(TokenPurpose))
    await notifications.forget_address(uow, user.id)
    return changed


async def lock_owner(uow: UnitOfWork, token: AccountToken) -> User:
    """Whose token it is, locked until the end of the operation. Raises NotFound."""
    user = await uow.users.lock(token.user_id) if token.user_id is not None else None
    if user is None or user.status is not UserStatus.ACTIVE:
        raise NotFound(("input", "token"))
    return user


async def verify(uow: UnitOfWork, user: User, token: AccountToken) -> User:
    """Note that the owner of a used token reads the mail of the address, if it is still theirs."""
    if not account_token.is_about(token, user.email_address):
        raise NotFound(("input", "token"))
    if user.email_verified_at is not None:
        return user
    verified = with_changes(user, uow.now, email_verified_at=uow.now)
    await uow.users.save(verified)
    await record_update(uow, user.id, user, verified)
    return verified
