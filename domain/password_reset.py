"""A new password for whoever forgot theirs and reads the mail of their address.

Nothing tells whether an address has an account: the answer is the same, and so is what is done for it.
"""

from domain import account_token, email_change
from domain import session as sessions
from domain.account_mail import AccountMail, AccountMailKind
from domain.account_token import TokenPurpose
from domain.email_address import validate_email
from domain.ports import UnitOfWork
from domain.user import User, UserStatus, record_password


async def request(uow: UnitOfWork, email_address: str) -> None:
    """Send whoever has the address a token with which to choose a new password."""
    address = validate_email(email_address, ("input", "email"))
    found = await uow.users.by_email(address)
    user = found if found is not None and found.status is UserStatus.ACTIVE else None
    token = await account_token.issue(uow, TokenPurpose.PASSWORD_RESET, address, user_id=None if user is None else user.id)
    uow.send_mail(
        AccountMail(
            kind=AccountMailKind.RESET_PASSWORD,
            address=address if user is None else user.email_address,
            name="" if user is None else user.display_name,
            token=token,
            is_decoy=user is None,
        )
    )


async def reset(uow: UnitOfWork, secret: str, password_hash: str) -> User:
    """
    Replace the password, and end all sessions; the caller has hashed it. Second factors stay.

    Raises NotFound for a token that is unknown, used or expired, or was sent to an address that the account no longer has.
    """
    token = await account_token.find(uow, secret, TokenPurpose.PASSWORD_RESET)
    user = await email_change.lock_owner(uow, token)
    await account_token.use(uow, token)
    user = await email_change.verify(uow, user, token)  # who reads the mail has verified the address
    await uow.users.set_password(user.id, password_hash)
    await record_password(uow, user.id)
    await uow.account_tokens.remove_all(user.id, [TokenPurpose.PASSWORD_RESET])
    await sessions.revoke_all(uow, user.id, actor_id=user.id)
    uow.send_mail(AccountMail(kind=AccountMailKind.PASSWORD_CHANGED, address=user.email_address, name=user.display_name))
    return user
