"""Registering: at once, or after whoever registers has shown that they read the mail of the address.

Where the address must be verified, nothing tells whether it has an account: the answer is the same, and so is what is done for it
(one hash, one row). An account comes to be only when its mail is answered, so that nobody can hold an address that is not theirs;
who asks twice may answer either mail.
"""

from typing import Literal

from domain import account_token
from domain import user as users
from domain.account_mail import AccountMail, AccountMailKind
from domain.account_token import AccountToken, TokenPurpose
from domain.email_address import validate_email
from domain.errors import NotFound
from domain.ports import UnitOfWork
from domain.text import validate_name
from domain.user import MAX_NAME_CHARS, User

RegistrationMode = Literal["open", "invite", "verify"]
"""Who may register: anybody, at once; addresses that a team has invited; or anybody, each once the address is verified."""


async def register(uow: UnitOfWork, *, email_address: str, password_hash: str, first_name: str, last_name: str) -> User:
    """Make an account at once, and ask its address for an answer. Raises NotUnique."""
    user = await users.register(
        uow, email_address=email_address, password_hash=password_hash, first_name=first_name, last_name=last_name
    )
    await request_verification(uow, user)
    return user


async def request_verification(uow: UnitOfWork, user: User) -> None:
    """Ask the address of an account for an answer."""
    token = await account_token.issue(uow, TokenPurpose.EMAIL_VERIFICATION, user.email_address, user_id=user.id)
    uow.send_mail(AccountMail(kind=AccountMailKind.VERIFY_EMAIL, address=user.email_address, name=user.display_name, token=token))


async def request(
    uow: UnitOfWork, *, email_address: str, password_hash: str, first_name: str, last_name: str, invited_only: bool
) -> None:
    """Ask an address for an answer, upon which it gets an account; `invited_only`: if a team has invited it."""
    address = validate_email(email_address, ("input", "email"))
    details = {
        "firstName": validate_name(first_name, ("input", "firstName"), limit=MAX_NAME_CHARS),
        "lastName": validate_name(last_name, ("input", "lastName"), limit=MAX_NAME_CHARS),
        "passwordHash": password_hash,
    }
    owner = await uow.users.by_email(address)
    invited = await uow.invitations.is_invited(address, uow.now)
    token = await account_token.issue(uow, TokenPurpose.REGISTRATION, address, user_id=None, details=details)
    if owner is not None:
        uow.send_mail(AccountMail(kind=AccountMailKind.ALREADY_REGISTERED, address=owner.email_address, name=owner.display_name))
    else:
        uow.send_mail(
            AccountMail(
                kind=AccountMailKind.COMPLETE_REGISTRATION,
                address=address,
                name=f"{details['firstName']} {details['lastName']}",
                token=token,
                is_decoy=invited_only and not invited,
            )
        )


async def complete(uow: UnitOfWork, token: AccountToken) -> User:
    """Make the account that was asked for. Raises NotFound when the address has one by now."""
    await account_token.use(uow, token)
    assert token.details is not None
    user = User(
        id=uow.new_id(),
        created_at=uow.now,
        updated_at=uow.now,
        email_address=token.email,
        email_verified_at=uow.now,
        first_name=token.details["firstName"],
        last_name=token.details["lastName"],
    )
    if not await users.add(uow, user, token.details["passwordHash"]):
        raise NotFound(("input", "token"))
    return user
