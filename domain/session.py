"""Sessions: signing in, staying signed in by rotating refresh tokens, and signing out.

A refresh token is `{session id}.{secret}`; only the SHA-256 of the secret is stored. Every refresh replaces the secret. The
predecessor stays good for ten seconds, however often it is used, for clients whose answer was lost on the way; any older secret
means that the token was stolen, and the session ends (RFC 9700, section 4.14).
"""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import ClassVar, Protocol
from uuid import UUID

from domain.actor import Actor
from domain.errors import NotFound, Unauthenticated
from domain.events import ChangeKind, Event, user_stream
from domain.ports import UnitOfWork
from domain.user import User, UserStatus

LIFETIME = timedelta(days=30)
GRACE = timedelta(seconds=10)
INVALID_TOKEN_MESSAGE = "The refresh token is not valid; sign in again."


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One signed-in device. It ends 30 days after its last refresh."""

    type_name: ClassVar[str] = "Session"

    id: UUID
    user_id: UUID
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None
    user_agent: str | None = None
    ip_address: str | None = None
    secret_hash: bytes
    previous_secret_hash: bytes | None = None
    rotated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """What the request told of the client."""

    user_agent: str | None = None
    ip_address: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedSession:
    """What is told of a session that is over: which one it was."""

    type_name: ClassVar[str] = "Session"

    id: UUID
    version: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionEnded(Event):
    """Told in its user's stream, so that every process lets go of whoever came in with it."""

    kind = ChangeKind.DELETED
    user_id: UUID
    session: EndedSession

    @property
    def stream(self) -> str:
        return user_stream(self.user_id)

    @property
    def entity(self) -> EndedSession:
        return self.session


class SessionStore(Protocol):
    """Where sessions are kept."""

    async def add(self, session: Session) -> None: ...
    async def save(self, session: Session) -> None: ...
    async def lock(self, session_id: UUID) -> tuple[Session, User] | None: ...
    async def revoke_all(self, user_id: UUID, *, except_for: UUID | None, at: datetime) -> Sequence[UUID]:
        """End all sessions of a user but one: those that were open."""
        ...


async def open_session(uow: UnitOfWork, user: User, device: Device) -> tuple[Session, str]:
    """Start a session for a user whose password was right; the second value is the refresh token."""
    secret = secrets.token_urlsafe(32)
    session = Session(
        id=uow.new_id(),
        user_id=user.id,
        created_at=uow.now,
        last_used_at=uow.now,
        expires_at=uow.now + LIFETIME,
        user_agent=device.user_agent[:500] if device.user_agent else None,
        ip_address=device.ip_address,
        secret_hash=_hash(secret),
        rotated_at=uow.now,
    )
    await uow.sessions.add(session)
    return session, f"{session.id}.{secret}"


async def refresh(uow: UnitOfWork, refresh_token: str, device: Device) -> tuple[User, Session, str] | None:
    """Rotate the token of a session; None when it was reused, and the session is ended with this very operation.

    Raises Unauthenticated for a token that is malformed, expired, revoked or unknown: all alike.
    """
    session_id, secret = _parse(refresh_token)
    found = await uow.sessions.lock(session_id)
    if found is None:
        raise Unauthenticated(INVALID_TOKEN_MESSAGE, path=("input", "refreshToken"))
    session, user = found
    if session.revoked_at is not None or session.expires_at <= uow.now or user.status is not UserStatus.ACTIVE:
        raise Unauthenticated(INVALID_TOKEN_MESSAGE, path=("input", "refreshToken"))

    given = _hash(secret)
    is_current = secrets.compare_digest(given, session.secret_hash)
    is_predecessor = session.previous_secret_hash is not None and secrets.compare_digest(given, session.previous_secret_hash)
    if not is_current and not (is_predecessor and uow.now - session.rotated_at <= GRACE):
        await _end(uow, session, None)
        return None

    fresh = secrets.token_urlsafe(32)
    rotated = replace(
        session,
        secret_hash=_hash(fresh),
        previous_secret_hash=given,
        rotated_at=uow.now if is_current else session.rotated_at,
        last_used_at=uow.now,
        expires_at=uow.now + LIFETIME,
        ip_address=device.ip_address or session.ip_address,
    )
    await uow.sessions.save(rotated)
    return user, rotated, f"{session.id}.{fresh}"


async def revoke(uow: UnitOfWork, actor: Actor, session_id: UUID | None, *, all_others: bool) -> None:
    """End one session of one's own (the current one when none is named), or all the others."""
    if all_others:
        for each in await uow.sessions.revoke_all(actor.user_id, except_for=actor.session_id, at=uow.now):
            uow.record(SessionEnded(actor_id=actor.user_id, user_id=actor.user_id, session=EndedSession(id=each)))
        if session_id is None:
            return
    chosen = session_id or actor.session_id
    found = await uow.sessions.lock(chosen) if chosen else None
    if found is None or found[0].user_id != actor.user_id:
        raise NotFound(("input", "sessionId"))
    if found[0].revoked_at is None:
        await _end(uow, found[0], actor.user_id)


async def _end(uow: UnitOfWork, session: Session, actor_id: UUID | None) -> None:
    await uow.sessions.save(replace(session, revoked_at=uow.now))
    uow.record(SessionEnded(actor_id=actor_id, user_id=session.user_id, session=EndedSession(id=session.id)))


def _parse(refresh_token: str) -> tuple[UUID, str]:
    head, _, secret = refresh_token.partition(".")
    try:
        return UUID(head), secret
    except ValueError as error:
        raise Unauthenticated(INVALID_TOKEN_MESSAGE, path=("input", "refreshToken")) from error


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
