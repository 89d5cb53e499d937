"""Does what `server.py admin users` is asked for: the way to a first administrator, and back into accounts."""

from collections.abc import Awaitable, Callable
from typing import Final

from app.bootstrap import Resources, open_resources
from app.migration import migrate
from app.service_database import CannotStart, open_database_url
from app.settings import Settings
from domain import administration
from domain.account_mail import AccountMail, AccountMailKind
from domain.errors import DomainError, NotFound
from domain.user import User
from persistence.stores.user import find_for_administrators
from persistence.unit_of_work import SqlUnitOfWork, run_in_unit_of_work

MAX_LISTED: Final = 1_000


async def list_accounts(settings: Settings, query: str | None) -> str:
    """The accounts whose name or address holds a text, one a line: address, name, status, what is special."""
    async with open_database_url(settings) as url:
        await migrate(url)
        async with open_resources(settings, url) as resources:
            found = await find_for_administrators(resources.database, query, MAX_LISTED + 1)
    lines = [_describe(each) for each in found[:MAX_LISTED]]
    if len(found) > MAX_LISTED:
        lines.append(f"There are more than {MAX_LISTED}: name a part of the address.")
    return "\n".join(lines) or "There is no such account."


async def add_account(settings: Settings, email: str, *, first_name: str, last_name: str, is_administrator: bool) -> str:
    """Make an account; the answer holds the link with which its owner chooses a password."""

    async def add(resources: Resources, uow: SqlUnitOfWork) -> str:
        made = await administration.add_account(uow, email_address=email, first_name=first_name, last_name=last_name)
        if is_administrator:
            await administration.set_administrator(uow, made.user.id, is_administrator=True)
        return _with_link(resources, f"{made.user.email_address} has an account.", made.user, made.token)

    return await _run(settings, add)


async def change_account(settings: Settings, email: str, task: str, *, reason: str | None = None) -> str:
    """One of the tasks on one account: suspend, reactivate, force-reset, remove-factors, grant-admin, revoke-admin."""

    async def change(resources: Resources, uow: SqlUnitOfWork) -> str:
        found = await uow.users.by_email(email)
        if found is None:
            raise NotFound
        match task:
            case "suspend":
                return _describe(await administration.suspend(uow, None, found.id, reason))
            case "reactivate":
                return _describe(await administration.reactivate(uow, None, found.id))
            case "force-reset":
                token = await administration.force_reset(uow, found.id)
                return _with_link(resources, f"{found.email_address} has no password now.", found, token)
            case "remove-factors":
                removed = await administration.remove_factors(uow, found.id)
                return f"{removed} second factors of {found.email_address} were removed."
            case _:
                user = await administration.set_administrator(uow, found.id, is_administrator=task == "grant-admin")
                return _describe(user)

    return await _run(settings, change)


async def _run(settings: Settings, operation: Callable[[Resources, SqlUnitOfWork], Awaitable[str]]) -> str:
    mails: list[AccountMail] = []

    async with open_database_url(settings) as url:
        await migrate(url)
        async with open_resources(settings, url) as resources:

            async def run(uow: SqlUnitOfWork) -> str:
                line = await operation(resources, uow)
                mails[:] = uow.mails
                return line

            try:
                line = await run_in_unit_of_work(resources.database, resources.services.pubsub, run)
            except NotFound as error:
                raise CannotStart("There is no such account.") from error
            except DomainError as error:
                raise CannotStart(error.message) from error
            for mail in mails:
                resources.services.account_mailer.send(mail)
            return line


def _with_link(resources: Resources, line: str, user: User, token: str) -> str:
    mail = AccountMail(kind=AccountMailKind.RESET_PASSWORD, address=user.email_address, name=user.display_name, token=token)
    return f"{line} Within an hour a password can be chosen at\n{resources.services.account_mailer.link_of(mail)}"


def _describe(user: User) -> str:
    special = ["administrator"] if user.is_server_admin else []
    if user.suspended_at is not None:
        special.append(f"suspended since {user.suspended_at:%Y-%m-%d %H:%M} UTC: {user.suspension_reason or 'no reason given'}")
    if user.email_verified_at is None:
        special.append("address not verified")
    return "  ".join((user.email_address, user.display_name, user.status, ", ".join(special))).rstrip()
