"""Sessions: signing in, staying signed in by rotating refresh tokens, and signing out.

A refresh token is `{session id}.{secret}`, and a secret is base64url of 32 bytes and their HMAC under a key of the session. Only
the SHA-256 of the current secret is stored. A refresh replaces the secret by its *successor*: the HMAC of a fresh nonce under the
secret itself. So for ten seconds everybody who presents the predecessor (two tabs, or a client whose answer was lost) is answered
with the same successor, which nobody can compute from the database without the predecessor.

Any older secret means that a token was stolen, and ends the session (RFC 9700, section 4.14). What never was a secret of the
session, which its HMAC shows, ends nothing: a session's id is no secret.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import ClassVar, Final, Protocol
from uuid import UUID

from domain.actor import Actor
from domain.audit.events import SessionStarted, StartedSession
from domain.errors import NotFound, ReauthenticationRequired, Unauthenticated
from domain.events import ChangeKind, Event, user_stream
from domain.ports import UnitOfWork
from domain.user import User, UserStatus
from domain.user_agent import describe_device

LIFETIME = timedelta(days=30)
BROWSER_LIFETIME = timedelta(hours=12)
GRACE = timedelta(seconds=10)
RECENT = timedelta(minutes=10)
"""For which what can lock somebody out needs no further proof of who they are."""
_SECRET_BYTES: Final = 32
_TAG_BYTES: Final = 16
_MAX_USER_AGENT_CHARS: Final = 500
INVALID_REFRESH_MESSAGE = "The refresh token is not valid; sign in again."


GRAPHIQL_CLIENT_ID: Final = UUID("6a7b1c52-7d0b-5f0e-9a53-3d1f6f0f4e11")
"""The OAuth client that GraphiQL is."""
WEB_APP_CLIENT_ID: Final = UUID("4c1de0b7-92f3-5a68-8d27-b05e6f7a1c94")
"""The OAuth client that the application at `/app` is."""
FIRST_PARTY_PATHS: Final[Mapping[UUID, str]] = MappingProxyType({GRAPHIQL_CLIENT_ID: "/", WEB_APP_CLIENT_ID: "/app"})
"""
The OAuth clients that are the server's own pages, each with the path that it alone returns to. Every database has them; they
belong to no team, and nothing else can be them.
"""


class SessionKind(StrEnum):
    """How a session was opened."""

    DIRECT = "DIRECT"
    """By a client of our own, through the graph, with all scopes."""
    BROWSER = "BROWSER"
    """By the pages of the authorization server; its secret is a cookie, and it gets no tokens."""
    GRANT = "GRANT"
    """By an OAuth client, with the scopes that the person granted."""


class RefreshVerdict(StrEnum):
    """What a refresh token is."""

    CURRENT = "CURRENT"
    PREDECESSOR = "PREDECESSOR"
    """The one before the current one, within the grace."""
    REUSED = "REUSED"
    """One that was replaced: it was stolen, or its successor was."""
    INVALID = "INVALID"


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One signed-in device, or what a person granted to a client. It ends 30 days after its last refresh.

    `scopes` are those of a grant, with those of OpenID Connect; other sessions have none of their own.
    """

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
    successor_nonce: bytes | None = None
    """What the current secret was derived with from the previous one."""
    token_key: bytes | None = None
    """Marks the secrets of this session; None in a session that was last refreshed by an older version."""
    rotated_at: datetime
    authenticated_at: datetime
    """When the person behind it last showed who they are, by a password or a passkey."""
    kind: SessionKind = SessionKind.DIRECT
    client_id: UUID | None = None
    scopes: tuple[str, ...] = ()

    @property
    def device(self) -> str | None:
        """What it runs on, as its client describes itself."""
        return describe_device(self.user_agent)


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """The client, as its request describes it."""

    user_agent: str | None = None
    ip_address: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedSession:
    """A session that has ended, as its event carries it."""

    type_name: ClassVar[str] = "Session"

    id: UUID
    version: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionEnded(Event):
    """A session has ended: every process closes the connections that were opened with it."""

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
    """The sessions of all users."""

    async def add(self, session: Session) -> None: ...
    async def save(self, session: Session) -> None: ...
    async def lock(self, session_id: UUID) -> tuple[Session, User] | None: ...
    async def revoke_all(self, user_id: UUID, *, except_for: UUID | None, at: datetime) -> Sequence[UUID]:
        """End all open sessions of a user but one; returns their ids."""
        ...


async def open_session(
    uow: UnitOfWork, user: User, device: Device, *, kind: SessionKind = SessionKind.DIRECT
) -> tuple[Session, str]:
    """Start a session for a user whose password was right; the second value is the refresh token, or the cookie of a browser."""
    session, token = build_session(user, device, session_id=uow.new_id(), now=uow.now, kind=kind)
    await add(uow, session)
    return session, token


async def add(uow: UnitOfWork, session: Session) -> None:
    """Store a new session, and record its beginning for those who look after the person's teams."""
    await uow.sessions.add(session)
    if team_ids := await uow.users.team_ids(session.user_id):
        started = StartedSession(id=session.id, opened_as=session.kind, client_id=session.client_id, team_ids=tuple(team_ids))
        uow.record(SessionStarted(actor_id=session.user_id, user_id=session.user_id, session=started))


def build_session(
    user: User,
    device: Device,
    *,
    session_id: UUID,
    now: datetime,
    kind: SessionKind,
    client_id: UUID | None = None,
    scopes: Sequence[str] = (),
    authenticated_at: datetime | None = None,
) -> tuple[Session, str]:
    """A session that is not stored yet; the second value is its refresh token, or the cookie of a browser."""
    token_key = secrets.token_bytes(_SECRET_BYTES)
    secret = _encode_secret(secrets.token_bytes(_SECRET_BYTES), session_id, token_key)
    session = Session(
        id=session_id,
        user_id=user.id,
        created_at=now,
        last_used_at=now,
        expires_at=now + (BROWSER_LIFETIME if kind is SessionKind.BROWSER else LIFETIME),
        user_agent=device.user_agent[:_MAX_USER_AGENT_CHARS] if device.user_agent else None,
        ip_address=device.ip_address,
        secret_hash=_hash(secret),
        token_key=token_key,
        rotated_at=now,
        authenticated_at=authenticated_at or now,
        kind=kind,
        client_id=client_id,
        scopes=tuple(scopes),
    )
    return session, f"{session.id}.{secret}"


async def refresh(uow: UnitOfWork, refresh_token: str, device: Device) -> tuple[User, Session, str] | None:
    """The user, the session and its refresh token after the presented one; None when a token was reused, which ends the session.

    Raises Unauthenticated for a token that is malformed, expired, revoked or unknown: all alike, and nothing changes.
    """
    parsed = parse_token(refresh_token)
    found = None if parsed is None else await uow.sessions.lock(parsed[0])
    if parsed is None or found is None or found[0].kind is not SessionKind.DIRECT:
        raise _invalid_token()
    session, user = found
    match judge_refresh(session, user, parsed[1], uow.now):
        case RefreshVerdict.INVALID:
            raise _invalid_token()
        case RefreshVerdict.REUSED:
            await end(uow, session, None)
            return None
        case verdict:
            renewed, token = renew(session, parsed[1], verdict, device, uow.now)
            if renewed is not session:
                await uow.sessions.save(renewed)
            return user, renewed, token


def judge_refresh(session: Session, user: User, secret: str, now: datetime) -> RefreshVerdict:
    """What the secret of a refresh token is to the session whose id it names."""
    if session.revoked_at is not None or session.expires_at <= now or user.status is not UserStatus.ACTIVE:
        return RefreshVerdict.INVALID
    presented = _hash(secret)
    if secrets.compare_digest(presented, session.secret_hash):
        return RefreshVerdict.CURRENT
    is_predecessor = session.previous_secret_hash is not None and secrets.compare_digest(presented, session.previous_secret_hash)
    if is_predecessor and now - session.rotated_at <= GRACE and session.successor_nonce and session.token_key:
        return RefreshVerdict.PREDECESSOR
    return RefreshVerdict.REUSED if is_predecessor or _was_secret_of(session, secret) else RefreshVerdict.INVALID


def renew(session: Session, secret: str, verdict: RefreshVerdict, device: Device, now: datetime) -> tuple[Session, str]:
    """
    The session after a refresh, and the successor of the token.

    A predecessor within the grace gets the same successor that it got before, and the session stays as it is.
    """
    if verdict is RefreshVerdict.CURRENT:
        session, successor = _rotate(session, secret, device, now)
    else:
        assert verdict is RefreshVerdict.PREDECESSOR
        assert session.successor_nonce is not None
        assert session.token_key is not None
        successor = _derive_successor(secret, session.successor_nonce, session.id, session.token_key)
    return session, f"{session.id}.{successor}"


def is_current(session: Session, secret: str) -> bool:
    """Whether it is the current secret of a session."""
    return secrets.compare_digest(_hash(secret), session.secret_hash)


async def revoke(uow: UnitOfWork, actor: Actor, session_id: UUID | None, *, all_others: bool) -> None:
    """End one of the actor's own sessions (the current one when none is named), or all the others."""
    if all_others:
        await revoke_all(uow, actor.user_id, actor_id=actor.user_id, except_for=actor.session_id)
        if session_id is None:
            return
    chosen = session_id or actor.session_id
    found = await uow.sessions.lock(chosen) if chosen else None
    if found is None or found[0].user_id != actor.user_id:
        raise NotFound(("input", "sessionId"))
    if found[0].revoked_at is None:
        await end(uow, found[0], actor.user_id)


async def revoke_all(uow: UnitOfWork, user_id: UUID, *, actor_id: UUID | None, except_for: UUID | None = None) -> None:
    """End all sessions of a user but one."""
    for each in await uow.sessions.revoke_all(user_id, except_for=except_for, at=uow.now):
        uow.record(SessionEnded(actor_id=actor_id, user_id=user_id, session=EndedSession(id=each)))


async def reauthenticate(uow: UnitOfWork, actor: Actor) -> None:
    """Note that the person behind the actor's session has just shown who they are."""
    session = await _lock_own(uow, actor)
    if session is None:
        raise Unauthenticated
    await uow.sessions.save(replace(session, authenticated_at=uow.now))


async def require_recent_sign_in(uow: UnitOfWork, actor: Actor) -> None:
    """
    Raise ReauthenticationRequired unless the person behind the actor has shown who they are within `RECENT`.

    Tokens without a session, which programs have, and those of OAuth clients but the server's own pages are never enough.
    """
    session = await _lock_own(uow, actor)
    if session is None or session.authenticated_at + RECENT <= uow.now:
        raise ReauthenticationRequired
    if session.kind is SessionKind.GRANT and session.client_id not in FIRST_PARTY_PATHS:
        raise ReauthenticationRequired


async def _lock_own(uow: UnitOfWork, actor: Actor) -> Session | None:
    found = await uow.sessions.lock(actor.session_id) if actor.session_id else None
    if found is None or found[0].user_id != actor.user_id or found[0].revoked_at is not None:
        return None
    return found[0]


async def end(uow: UnitOfWork, session: Session, actor_id: UUID | None) -> None:
    """End a session, and let every process know."""
    await uow.sessions.save(replace(session, revoked_at=uow.now))
    uow.record(SessionEnded(actor_id=actor_id, user_id=session.user_id, session=EndedSession(id=session.id)))


def _rotate(session: Session, secret: str, device: Device, now: datetime) -> tuple[Session, str]:
    token_key = session.token_key or secrets.token_bytes(_SECRET_BYTES)
    nonce = secrets.token_bytes(_SECRET_BYTES)
    successor = _derive_successor(secret, nonce, session.id, token_key)
    rotated = replace(
        session,
        secret_hash=_hash(successor),
        previous_secret_hash=session.secret_hash,
        successor_nonce=nonce,
        token_key=token_key,
        rotated_at=now,
        last_used_at=now,
        expires_at=now + LIFETIME,
        ip_address=device.ip_address or session.ip_address,
        user_agent=device.user_agent[:_MAX_USER_AGENT_CHARS] if device.user_agent else session.user_agent,
    )
    return rotated, successor


def _derive_successor(secret: str, nonce: bytes, session_id: UUID, token_key: bytes) -> str:
    return _encode_secret(hmac.digest(secret.encode(), nonce, "sha256"), session_id, token_key)


def _encode_secret(random_bytes: bytes, session_id: UUID, token_key: bytes) -> str:
    return base64.urlsafe_b64encode(random_bytes + _tag(random_bytes, session_id, token_key)).decode()


def _was_secret_of(session: Session, secret: str) -> bool:
    """Whether this server issued the secret for the session at some time."""
    if session.token_key is None:
        return False
    try:
        decoded = base64.b64decode(secret, b"-_", validate=True)
    except (ValueError, binascii.Error):
        return False
    random_bytes, tag = decoded[:_SECRET_BYTES], decoded[_SECRET_BYTES:]
    return secrets.compare_digest(tag, _tag(random_bytes, session.id, session.token_key))


def _tag(random_bytes: bytes, session_id: UUID, token_key: bytes) -> bytes:
    return hmac.digest(token_key, session_id.bytes + random_bytes, "sha256")[:_TAG_BYTES]


def parse_token(token: str) -> tuple[UUID, str] | None:
    """The session that a refresh token or cookie names, and its secret; None for what is neither."""
    head, _, secret = token.partition(".")
    try:
        return (UUID(head), secret) if secret.isascii() else None
    except ValueError:
        return None


def _invalid_token() -> Unauthenticated:
    return Unauthenticated(INVALID_REFRESH_MESSAGE, path=("input", "refreshToken"))


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
