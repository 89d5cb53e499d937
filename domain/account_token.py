"""Tokens that are sent by mail: each proves once, within an hour, that somebody reads the mail of an address.

A token is 32 random bytes; only its SHA-256 is stored. A row is written whether or not there is anybody to send the token to, so
that asking for one takes the same time: such a row names nobody, and nobody has its token.
"""

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, Protocol
from uuid import UUID

from domain.email_address import email_key
from domain.errors import NotFound
from domain.ports import UnitOfWork

LIFETIME: Final = timedelta(hours=1)
_SECRET_BYTES: Final = 32
_PATH: Final = ("input", "token")


class TokenPurpose(StrEnum):
    """What a token is good for, and for nothing else."""

    REGISTRATION = "REGISTRATION"
    EMAIL_VERIFICATION = "EMAIL_VERIFICATION"
    EMAIL_CHANGE_OLD = "EMAIL_CHANGE_OLD"
    """Sent to the address that is given up."""
    EMAIL_CHANGE_NEW = "EMAIL_CHANGE_NEW"
    """Sent to the address that is to come."""
    PASSWORD_RESET = "PASSWORD_RESET"  # noqa: S105 (the name of a purpose)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountToken:
    """A token as it is stored. `details` is what its purpose needs, as JSON."""

    id: UUID
    purpose: TokenPurpose
    token_hash: bytes
    user_id: UUID | None
    email: str
    details: Mapping[str, Any] | None
    created_at: datetime
    expires_at: datetime


class AccountTokenStore(Protocol):
    """Stores tokens that were not used; expired ones may be gone."""

    async def add(self, token: AccountToken) -> None: ...
    async def get(self, token_hash: bytes) -> AccountToken | None: ...
    async def take(self, token_id: UUID) -> bool:
        """Delete a token; False when it was used in between."""
        ...

    async def list_for_user(self, user_id: UUID) -> Sequence[AccountToken]: ...
    async def remove_all(self, user_id: UUID, purposes: Sequence[TokenPurpose]) -> None: ...


async def issue(
    uow: UnitOfWork, purpose: TokenPurpose, email: str, *, user_id: UUID | None, details: Mapping[str, Any] | None = None
) -> str:
    """Store a new token for whoever reads the mail of an address; the token."""
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    token = AccountToken(
        id=uow.new_id(),
        purpose=purpose,
        token_hash=hash_token(secret),
        user_id=user_id,
        email=email,
        details=details,
        created_at=uow.now,
        expires_at=uow.now + LIFETIME,
    )
    await uow.account_tokens.add(token)
    return secret


async def find(uow: UnitOfWork, secret: str, *purposes: TokenPurpose) -> AccountToken:
    """A token that can still be used. Raises NotFound: unknown, used, expired and meant for something else are one answer."""
    token = await uow.account_tokens.get(hash_token(secret))
    if token is None or token.purpose not in purposes or token.expires_at <= uow.now:
        raise NotFound(_PATH)
    return token


async def use(uow: UnitOfWork, token: AccountToken) -> None:
    """Use a token up. Raises NotFound when somebody else has just used it."""
    if not await uow.account_tokens.take(token.id):
        raise NotFound(_PATH)


def is_about(token: AccountToken, address: str) -> bool:
    """Whether a token was sent to this address, however it is written."""
    return email_key(token.email) == email_key(address)


def hash_token(secret: str) -> bytes:
    """What is stored of a token."""
    return hashlib.sha256(secret.encode(errors="surrogatepass")).digest()
