"""Personal API tokens: a user's own key for scripts, with some of their scopes, until it expires or is revoked.

The secret is `hive_pat_` and 256 random bits as base64url, so that scanners of repositories recognize it. It is shown once;
stored is its SHA-256, which needs no salt, since nobody guesses 256 bits.
"""

import hashlib
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Final, Protocol
from uuid import UUID

from domain import text
from domain.actor import Actor, Scope
from domain.errors import Invalid, LimitExceeded, NotFound, Required
from domain.events import ChangeKind, Event, user_stream
from domain.ports import UnitOfWork

SECRET_PREFIX: Final = "hive_pat_"  # noqa: S105 (what every secret begins with)
MAX_TOKENS: Final = 50
_SHOWN_CHARS: Final = len(SECRET_PREFIX) + 6
_MAX_NAME_CHARS: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiToken:
    """One token. `prefix`: the first characters of its secret, by which its owner recognizes it."""

    type_name: ClassVar[str] = "ApiToken"

    id: UUID
    user_id: UUID
    name: str
    prefix: str
    scopes: tuple[Scope, ...]
    created_at: datetime
    last_used_at: datetime | None = None
    expires_at: datetime | None = None
    secret_hash: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedApiToken:
    """A token as its events carry it."""

    type_name: ClassVar[str] = "ApiToken"

    id: UUID
    version: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class _ApiTokenEvent(Event):
    user_id: UUID
    token: LoggedApiToken

    @property
    def stream(self) -> str:
        return user_stream(self.user_id)

    @property
    def entity(self) -> LoggedApiToken:
        return self.token


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiTokenCreated(_ApiTokenEvent):
    """A user made a token."""

    kind = ChangeKind.CREATED


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiTokenRevoked(_ApiTokenEvent):
    """A token has ended: every process closes the connections that were opened with it."""

    kind = ChangeKind.DELETED


class ApiTokenStore(Protocol):
    """Stores tokens; a revoked one is deleted."""

    async def add(self, token: ApiToken) -> None: ...
    async def count_locked(self, user_id: UUID) -> int:
        """How many tokens a user has; further ones are made only after this operation."""
        ...

    async def remove(self, token_id: UUID, user_id: UUID) -> bool:
        """Delete a user's token; False when there is none."""
        ...

    async def remove_all(self, user_id: UUID) -> None: ...


async def create(
    uow: UnitOfWork, actor: Actor, *, name: str, scopes: Collection[Scope], expires_at: datetime | None
) -> tuple[ApiToken, str]:
    """Make a token with some of the scopes that the actor has; the second value is its secret."""
    if not scopes:
        raise Required(("input", "scopes"), "Name at least one scope.")
    if missing := sorted(set(scopes) - actor.scopes):
        raise Invalid(("input", "scopes"), f"You cannot give a scope that you do not have: {', '.join(missing)}.")
    if expires_at is not None and expires_at <= uow.now:
        raise Invalid(("input", "expiresAt"), "This time is past.")
    if await uow.api_tokens.count_locked(actor.user_id) >= MAX_TOKENS:
        raise LimitExceeded(f"At most {MAX_TOKENS} tokens are allowed; revoke one first.", MAX_TOKENS)
    secret = SECRET_PREFIX + secrets.token_urlsafe(32)
    token = ApiToken(
        id=uow.new_id(),
        user_id=actor.user_id,
        name=text.validate_name(name, ("input", "name"), limit=_MAX_NAME_CHARS),
        prefix=secret[:_SHOWN_CHARS],
        scopes=tuple(sorted(set(scopes), key=list(Scope).index)),
        created_at=uow.now,
        expires_at=expires_at,
        secret_hash=hash_secret(secret),
    )
    await uow.api_tokens.add(token)
    uow.record(ApiTokenCreated(actor_id=actor.user_id, user_id=actor.user_id, token=LoggedApiToken(id=token.id)))
    return token, secret


async def revoke(uow: UnitOfWork, actor: Actor, token_id: UUID) -> UUID:
    """End one of the actor's own tokens."""
    if not await uow.api_tokens.remove(token_id, actor.user_id):
        raise NotFound(("input", "id"))
    uow.record(ApiTokenRevoked(actor_id=actor.user_id, user_id=actor.user_id, token=LoggedApiToken(id=token_id)))
    return token_id


def hash_secret(secret: str) -> bytes:
    """What is stored of a secret."""
    return hashlib.sha256(secret.encode()).digest()
