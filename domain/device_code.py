"""Device codes: a program without a browser of its own shows a short code, which a person enters in theirs (RFC 8628).

The program polls with its device code, `{id}.{secret}` (stored as a SHA-256), until the person has decided. The user code is
eight consonants, so that it spells nothing; guessing one is limited like guessing a password.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Protocol
from uuid import UUID

from domain.oauth_client import OAuthClient
from domain.oauth_grant import hash_secret
from domain.ports import UnitOfWork
from domain.user import User

LIFETIME: Final = timedelta(minutes=10)
INTERVAL: Final = timedelta(seconds=5)
"""How long a program waits between two polls."""
_ALPHABET: Final = "BCDFGHJKLMNPQRSTVWXZ"
_USER_CODE_CHARS: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceCode:
    """One request of a program. `approved`: what the person decided, None for nothing yet."""

    id: UUID
    code_hash: bytes
    user_code: str
    client_id: UUID
    scopes: tuple[str, ...]
    resource: str | None = None
    created_at: datetime
    expires_at: datetime
    polled_at: datetime | None = None
    user_id: UUID | None = None
    approved: bool | None = None
    authenticated_at: datetime | None = None
    session_id: UUID | None = None


class DeviceCodeStore(Protocol):
    """Stores device codes."""

    async def add(self, code: DeviceCode) -> None:
        """Store a new code, and forget those that are old."""
        ...

    async def save(self, code: DeviceCode) -> None: ...
    async def lock(self, code_id: UUID) -> tuple[DeviceCode, User | None] | None:
        """A code, held until the end of the operation, and who decided."""
        ...

    async def lock_by_user_code(self, user_code: str) -> DeviceCode | None:
        """A code by what a person enters, held until the end of the operation."""
        ...


def new_user_code() -> str:
    """A user code; people are shown it with a dash in the middle."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(_USER_CODE_CHARS))


def shown(user_code: str) -> str:
    """A user code as people read it."""
    half = _USER_CODE_CHARS // 2
    return f"{user_code[:half]}-{user_code[half:]}"


def entered(value: str) -> str:
    """A user code as it is stored, however somebody wrote it."""
    return "".join(each for each in value.upper() if each in _ALPHABET)[: _USER_CODE_CHARS + 1]


async def issue(
    uow: UnitOfWork, client: OAuthClient, *, code: tuple[UUID, str], user_code: str, scopes: Sequence[str], resource: str | None
) -> None:
    """Store a device code (its id and secret) that a program asked for."""
    await uow.device_codes.add(
        DeviceCode(
            id=code[0],
            code_hash=hash_secret(code[1]),
            user_code=user_code,
            client_id=client.id,
            scopes=tuple(scopes),
            resource=resource,
            created_at=uow.now,
            expires_at=uow.now + LIFETIME,
        )
    )


def is_open(code: DeviceCode | None, now: datetime) -> bool:
    """Whether a person may still decide."""
    return code is not None and code.approved is None and code.expires_at > now


def decided(code: DeviceCode, user: User, *, approved: bool, authenticated_at: datetime) -> DeviceCode:
    """The code once a person has decided."""
    return replace(code, user_id=user.id, approved=approved, authenticated_at=authenticated_at)


def is_code(code: DeviceCode, secret: str) -> bool:
    """Whether the secret is that of the code."""
    return secrets.compare_digest(hash_secret(secret), code.code_hash)
