"""What a person grants to a client: an authorization code, redeemed once for a session of the client, and remembered consent.

A code is `{id}.{secret}`; stored is the SHA-256 of the secret. A code that is presented again was stolen, or its answer was: the
session that it opened ends (RFC 9700, section 4.5).
"""

import hashlib
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Protocol
from uuid import UUID

from domain.oauth_client import OAuthClient
from domain.ports import UnitOfWork
from domain.user import User

CODE_LIFETIME: Final = timedelta(seconds=60)
_KEPT_FOR: Final = timedelta(days=1)
"""For which a used code is remembered, to notice that it is presented again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationCode:
    """One code. `scopes` are those asked for, with those of OpenID Connect. `session_id`: what it was redeemed for."""

    id: UUID
    code_hash: bytes
    client_id: UUID
    user_id: UUID
    redirect_uri: str
    scopes: tuple[str, ...]
    code_challenge: str
    nonce: str | None = None
    resource: str | None = None
    authenticated_at: datetime
    created_at: datetime
    expires_at: datetime
    session_id: UUID | None = None


class OAuthGrantStore(Protocol):
    """Stores codes and consents."""

    async def add_code(self, code: AuthorizationCode) -> None:
        """Store a new code, and forget those that are old."""
        ...

    async def save_code(self, code: AuthorizationCode) -> None: ...
    async def lock_code(self, code_id: UUID) -> tuple[AuthorizationCode, User] | None:
        """A code, held until the end of the operation, and its user."""
        ...

    async def consented_scopes(self, user_id: UUID, client_id: UUID) -> Collection[str]:
        """What the user has granted to the client so far."""
        ...

    async def consent(self, user_id: UUID, client_id: UUID, scopes: Sequence[str], at: datetime) -> None:
        """Remember that the user grants these scopes to the client, beside those of earlier."""
        ...


async def issue_code(
    uow: UnitOfWork,
    user: User,
    client: OAuthClient,
    *,
    redirect_uri: str,
    scopes: Sequence[str],
    code_challenge: str,
    nonce: str | None,
    resource: str | None,
    authenticated_at: datetime,
    code: tuple[UUID, str],
) -> None:
    """Store a code that `new_code` made, and that the person consented."""
    code_id, secret = code
    await uow.oauth_grants.add_code(
        AuthorizationCode(
            id=code_id,
            code_hash=hash_secret(secret),
            client_id=client.id,
            user_id=user.id,
            redirect_uri=redirect_uri,
            scopes=tuple(scopes),
            code_challenge=code_challenge,
            nonce=nonce,
            resource=resource,
            authenticated_at=authenticated_at,
            created_at=uow.now,
            expires_at=uow.now + CODE_LIFETIME,
        )
    )
    await uow.oauth_grants.consent(user.id, client.id, scopes, uow.now)


def new_code(code_id: UUID) -> tuple[UUID, str]:
    """A code's id and secret; joined by a dot they are the code."""
    return code_id, secrets.token_urlsafe(32)


def redeemed(code: AuthorizationCode, session_id: UUID) -> AuthorizationCode:
    """The code once it was redeemed."""
    return replace(code, session_id=session_id)


def parse_code(value: str) -> tuple[UUID, str] | None:
    """The id and the secret of a code; None for what is none."""
    head, _, secret = value.partition(".")
    try:
        return UUID(head), secret
    except ValueError:
        return None


def is_code(code: AuthorizationCode, secret: str) -> bool:
    """Whether the secret is that of the code."""
    return secrets.compare_digest(hash_secret(secret), code.code_hash)


def forgotten_before(now: datetime) -> datetime:
    """Codes made earlier than this need not be kept."""
    return now - _KEPT_FOR


def hash_secret(secret: str) -> bytes:
    """What is stored of a secret."""
    return hashlib.sha256(secret.encode()).digest()
