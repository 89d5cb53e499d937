"""OAuth clients: the apps of a team, which act for people who consent, or for themselves.

A *public* client (a browser, phone or desktop app) cannot keep a secret; a *confidential* one has a secret of 256 random bits, of
which the SHA-256 is stored. When the secret is rotated, the one before it works for another day. For itself a client acts as its
*bot*: a user that is a member of the client's team and of no other, and cannot sign in.

Clients that bring themselves belong to no team and have no bot: their client id is the address of a document that describes them
(`auth.oauth.client_documents`).
"""

import hashlib
import secrets
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar, Final, Protocol
from uuid import UUID

from domain import team as teams
from domain import text
from domain.actor import Actor, Scope
from domain.bot import add_bot, remove_bot
from domain.errors import Invalid, LimitExceeded, NotFound, Required
from domain.events import ChangeKind, Event, team_stream
from domain.permissions import Access, Action, ResourceKind, Role, access
from domain.ports import UnitOfWork
from domain.redirect_uri import validate_redirect_uri
from domain.session import FIRST_PARTY_PATHS, EndedSession, SessionEnded
from domain.team import Team
from domain.version import require_version, with_changes

SECRET_PREFIX: Final = "hive_secret_"  # noqa: S105 (what every secret begins with)
SECRET_OVERLAP: Final = timedelta(hours=24)
MAX_CLIENTS: Final = 50
MAX_REDIRECT_URIS: Final = 10
_MAX_NAME_CHARS: Final = 100
NOT_FOR_APPS: Final = frozenset({Scope.ADMIN, Scope.PROFILE_WRITE})
"""Scopes that a client does not have when it acts for itself."""


class OAuthGrant(StrEnum):
    """How a client gets tokens."""

    AUTHORIZATION_CODE = "AUTHORIZATION_CODE"
    DEVICE_CODE = "DEVICE_CODE"
    CLIENT_CREDENTIALS = "CLIENT_CREDENTIALS"
    REFRESH_TOKEN = "REFRESH_TOKEN"  # noqa: S105 (the name of a grant)


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuthClient:
    """One app of a team."""

    type_name: ClassVar[str] = "OAuthClient"

    id: UUID
    version: int = 1
    created_at: datetime
    updated_at: datetime
    team_id: UUID | None
    bot_id: UUID | None
    document_url: str | None = None
    name: str
    is_public: bool
    redirect_uris: tuple[str, ...]
    grants: tuple[OAuthGrant, ...]
    scopes: tuple[Scope, ...]
    secret_hash: bytes | None = None
    previous_secret_hash: bytes | None = None
    previous_secret_expires_at: datetime | None = None
    deleted_at: datetime | None = None

    @property
    def client_id(self) -> str:
        """The client id of RFC 6749."""
        return self.document_url or str(self.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedOAuthClient:
    """A client as its events carry it."""

    type_name: ClassVar[str] = "OAuthClient"

    id: UUID
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _OAuthClientEvent(Event):
    team_id: UUID
    client: LoggedOAuthClient

    @property
    def stream(self) -> str:
        return team_stream(self.team_id)

    @property
    def entity(self) -> LoggedOAuthClient:
        return self.client


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuthClientCreated(_OAuthClientEvent):
    """A team got an app."""

    kind = ChangeKind.CREATED


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuthClientSecretRotated(_OAuthClientEvent):
    """An app got another secret."""

    kind = ChangeKind.UPDATED


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuthClientDeleted(_OAuthClientEvent):
    """An app of a team is gone, with everything that people granted to it."""

    kind = ChangeKind.DELETED


class OAuthClientStore(Protocol):
    """Stores clients."""

    async def put_described(self, client: OAuthClient) -> None:
        """Store a client that brings itself, or what its document says now."""
        ...

    async def add(self, client: OAuthClient) -> None: ...
    async def save(self, client: OAuthClient) -> None: ...
    async def lock(self, client_id: UUID) -> OAuthClient | None:
        """A client that is not deleted, held until the end of the operation."""
        ...

    async def count(self, team_id: UUID) -> int:
        """How many clients a team has; the caller holds the team."""
        ...

    async def end_grants(self, client_id: UUID, at: datetime) -> Collection[tuple[UUID, UUID]]:
        """End everything that people granted to a client: the ids of the sessions, and of their users."""
        ...


async def create(
    uow: UnitOfWork,
    actor: Actor,
    team_id: UUID,
    *,
    name: str,
    is_public: bool,
    redirect_uris: Collection[str],
    grants: Collection[OAuthGrant],
    scopes: Collection[Scope],
) -> tuple[OAuthClient, str | None]:
    """Make a client and its bot; the second value is the secret of a confidential one."""
    team, role, _ = await teams.open_team(uow, actor, team_id)
    _rights(actor, role).require(Action.MANAGE)
    if await uow.oauth_clients.count(team_id) >= MAX_CLIENTS:
        raise LimitExceeded(f"A team has at most {MAX_CLIENTS} clients; delete one first.", MAX_CLIENTS)
    _check_grants(is_public=is_public, redirect_uris=redirect_uris, grants=grants)
    if not scopes:
        raise Required(("input", "scopes"), "Name at least one scope.")
    if missing := sorted(set(scopes) - actor.scopes):
        raise Invalid(("input", "scopes"), f"You cannot give a scope that you do not have: {', '.join(missing)}.")
    valid_name = text.validate_name(name, ("input", "name"), limit=_MAX_NAME_CHARS)
    bot = await add_bot(uow, actor, team, valid_name)
    secret = None if is_public else _new_secret()
    client = OAuthClient(
        id=uow.new_id(),
        created_at=uow.now,
        updated_at=uow.now,
        team_id=team_id,
        bot_id=bot.id,
        name=valid_name,
        is_public=is_public,
        redirect_uris=tuple(
            validate_redirect_uri(each, ("input", "redirectUris", str(index))) for index, each in enumerate(redirect_uris)
        ),
        grants=tuple(each for each in OAuthGrant if each in grants),
        scopes=tuple(each for each in Scope if each in scopes),
        secret_hash=None if secret is None else hash_secret(secret),
    )
    await uow.oauth_clients.add(client)
    uow.record(OAuthClientCreated(actor_id=actor.user_id, team_id=team_id, client=_logged(client)))
    return client, secret


async def rotate_secret(
    uow: UnitOfWork, actor: Actor, client_id: UUID, *, expected_version: int | None
) -> tuple[OAuthClient, str]:
    """Give a confidential client another secret; the one before it works for another day."""
    before, team = await _open(uow, actor, client_id)
    require_version(before, expected_version)
    if before.is_public:
        raise Invalid(("input", "id"), "A public client has no secret.")
    secret = _new_secret()
    client = with_changes(
        before,
        uow.now,
        secret_hash=hash_secret(secret),
        previous_secret_hash=before.secret_hash,
        previous_secret_expires_at=uow.now + SECRET_OVERLAP,
    )
    await uow.oauth_clients.save(client)
    uow.record(OAuthClientSecretRotated(actor_id=actor.user_id, team_id=team.id, client=_logged(client)))
    return client, secret


async def delete(uow: UnitOfWork, actor: Actor, client_id: UUID, *, expected_version: int | None) -> UUID:
    """Delete a client: its secret, its tokens and what people granted to it end, and its bot leaves the team."""
    before, team = await _open(uow, actor, client_id)
    require_version(before, expected_version)
    client = with_changes(before, uow.now, deleted_at=uow.now)
    await uow.oauth_clients.save(client)
    for session_id, user_id in await uow.oauth_clients.end_grants(client_id, uow.now):
        uow.record(SessionEnded(actor_id=actor.user_id, user_id=user_id, session=EndedSession(id=session_id)))
    if client.bot_id is not None:
        await remove_bot(uow, actor, client.bot_id)
    uow.record(OAuthClientDeleted(actor_id=actor.user_id, team_id=team.id, client=_logged(client)))
    return client.id


def as_first_party(client: OAuthClient, origin: str) -> OAuthClient:
    """The client of one of the server's own pages, which has all scopes and returns nowhere but to that page."""
    return replace(client, redirect_uris=(f"{origin}{FIRST_PARTY_PATHS[client.id]}",), scopes=tuple(Scope))


def is_secret_of(client: OAuthClient, secret: str, now: datetime) -> bool:
    """Whether it is the secret of a confidential client, or the one before it for as long as that works."""
    given = hash_secret(secret)
    if client.secret_hash is not None and secrets.compare_digest(given, client.secret_hash):
        return True
    until = client.previous_secret_expires_at
    if client.previous_secret_hash is None or until is None or until <= now:
        return False
    return secrets.compare_digest(given, client.previous_secret_hash)


def hash_secret(secret: str) -> bytes:
    """What is stored of a secret."""
    return hashlib.sha256(secret.encode()).digest()


async def _open(uow: UnitOfWork, actor: Actor, client_id: UUID) -> tuple[OAuthClient, Team]:
    """Fetch, lock and authorise; who does not manage the team learns nothing."""
    client = await uow.oauth_clients.lock(client_id)
    if client is None or client.team_id is None:
        raise NotFound(("input", "id"))
    team, role, _ = await teams.open_team(uow, actor, client.team_id, path=("input", "id"))
    rights = _rights(actor, role)
    if Action.READ not in rights.actions:
        raise NotFound(("input", "id"))
    rights.require(Action.MANAGE)
    return client, team


def _rights(actor: Actor, role: Role) -> Access:
    return access(actor, role, ResourceKind.OAUTH_CLIENT)


def _check_grants(*, is_public: bool, redirect_uris: Collection[str], grants: Collection[OAuthGrant]) -> None:
    path = ("input", "grants")
    if not grants:
        raise Required(path, "Name at least one grant.")
    if is_public and OAuthGrant.CLIENT_CREDENTIALS in grants:
        raise Invalid(path, "A public client has no secret, so it cannot act for itself.")
    if OAuthGrant.REFRESH_TOKEN in grants and not {OAuthGrant.AUTHORIZATION_CODE, OAuthGrant.DEVICE_CODE} & set(grants):
        raise Invalid(path, "Refresh tokens belong to authorization codes and device codes.")
    if len(redirect_uris) > MAX_REDIRECT_URIS:
        raise LimitExceeded(f"At most {MAX_REDIRECT_URIS} are allowed.", MAX_REDIRECT_URIS, path=("input", "redirectUris"))
    if OAuthGrant.AUTHORIZATION_CODE in grants and not redirect_uris:
        raise Required(("input", "redirectUris"), "Name where people return to after they have signed in.")


def _new_secret() -> str:
    return SECRET_PREFIX + secrets.token_urlsafe(32)


def _logged(client: OAuthClient) -> LoggedOAuthClient:
    return LoggedOAuthClient(id=client.id, version=client.version)
