"""Resolves verifying and changing the address of an account, and choosing a new password by mail."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from domain import email_change, password_reset
from domain.account_token import TokenPurpose, hash_token
from domain.email_address import validate_email
from domain.errors import NotFound
from domain.user import validate_password
from persistence.stores.account_token import can_be_used
from persistence.unit_of_work import SqlUnitOfWork
from resolvers.context import Context, InputValues


async def count_token(context: Context, values: InputValues) -> InputValues:
    """Counts a try of a token."""
    await context.services.sign_in.count_token(context.device.ip_address)
    return values


async def count_mail(context: Context, values: InputValues) -> InputValues:
    """Counts a mail to an address."""
    recipient = validate_email(values["email"], ("input", "email"))
    await context.services.sign_in.count_mail(recipient, address=context.device.ip_address)
    return values


async def verify_email(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Confirms an address."""
    return {"user": await email_change.confirm(uow, values["token"])}


async def request_email_change(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Asks both addresses to confirm a change."""
    await email_change.request(uow, context.viewer, values["email"])
    return {}


async def request_password_reset(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Sends a link to choose a new password."""
    await password_reset.request(uow, values["email"])
    return {}


async def prepare_reset(context: Context, values: InputValues) -> InputValues:
    """A hash in place of the new password, for a token that can be used: nobody else has anything hashed."""
    await context.services.sign_in.count_token(context.device.ip_address)
    password = validate_password(values["new_password"], ("input", "newPassword"))
    token_hash = hash_token(values["token"])
    if not await can_be_used(context.services.database, token_hash, TokenPurpose.PASSWORD_RESET, datetime.now(UTC)):
        raise NotFound(("input", "token"))
    return {"token": values["token"], "password_hash": await context.services.passwords.hash(password)}


async def reset_password(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Replaces a password."""
    await password_reset.reset(uow, values["token"], values["password_hash"])
    return {}
