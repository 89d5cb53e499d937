"""Verifies what opens the graph and live editing: access tokens, API tokens, and share links, which open nothing else.

Other endpoints ask `auth.tokens`, which knows no links, so that a new one is closed to them until somebody decides otherwise.
"""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from auth.tokens import AccessTokens, Credentials
from domain.actor import Actor, Scope, SharedSubject
from domain.errors import DomainError, Unauthenticated
from domain.events import team_stream
from domain.share_link import TOKEN_PREFIX, ShareLinkTokens
from persistence.engine.database import Database
from persistence.engine.lru_cache import LruCache
from persistence.stores import share_link

_CACHE_BYTES = 4 * 2**20
_ENTRY_BYTES = 1_200
_NOTE_USE_SECONDS = 60.0
_SCOPES = frozenset({Scope.PROJECTS_READ, Scope.TASKS_READ, Scope.DOCUMENTS_READ})
_INVALID_MESSAGE = "This link is not good: it has expired, was revoked, or is not complete."


class GraphTokens:
    """Verifies tokens, for the transports of the graph."""

    def __init__(self, tokens: AccessTokens, database: Database, share_links: ShareLinkTokens) -> None:
        self._tokens = tokens
        self._database = database
        self._share_links = share_links
        self._used_links: LruCache[UUID, _ShareLinkUse] = LruCache("share links", _CACHE_BYTES)

    async def authenticate(self, authorization: str | None) -> Credentials | None:
        """The credentials of an Authorization header; None without one. Raises TokenExpired and Unauthenticated."""
        kind, _, token = (authorization or "").partition(" ")
        if kind.lower() == "bearer" and token.strip().startswith(TOKEN_PREFIX):
            return await self.authenticate_share_link(token.strip())
        return await self._tokens.authenticate(authorization)

    async def authenticate_share_link(self, token: str) -> Credentials:
        """The credentials of whoever has the token of a share link; the use is noted, once a minute. Raises Unauthenticated."""
        link_id = self._share_links.decode(token)
        if link_id is None:
            raise Unauthenticated(_INVALID_MESSAGE)
        known = self._used_links.get(link_id)
        if known is None:
            row = await share_link.get_open(self._database, link_id)
            if row is None:
                raise Unauthenticated(_INVALID_MESSAGE)
            shared = SharedSubject(row.subject_type, row.subject_id)
            actor = Actor(user_id=row.created_by_id, session_id=link_id, scopes=_SCOPES, shared=shared)
            expires_at = math.inf if row.expires_at is None else row.expires_at.timestamp()
            known = _ShareLinkUse(actor, expires_at, str(row.team_id))
            self._used_links.put(link_id, known, _ENTRY_BYTES)
        credentials = Credentials(known.actor, known.expires_at, known.team_id)
        try:
            await self.check_active(credentials)
        except Unauthenticated as error:
            raise Unauthenticated(_INVALID_MESSAGE) from error
        if known.noted_at + _NOTE_USE_SECONDS <= time.monotonic():
            known.noted_at = time.monotonic()
            await share_link.touch(self._database, link_id)
        return credentials

    async def check_active(self, credentials: Credentials) -> None:
        """Raise TokenExpired or Unauthenticated when the token has expired, or its session or link has ended."""
        await self._tokens.check_active(credentials)

    async def find_revoked(self, credentials: Sequence[Credentials]) -> Mapping[Credentials, DomainError]:
        """The credentials that have ended, as the database has it now, in one query."""
        return await self._tokens.find_revoked(credentials)

    def can_replace(self, before: Credentials | None, after: Credentials | None) -> bool:
        """Whether a newer token has the same session and scopes, so that operations begun with the older one may go on."""
        return self._tokens.can_replace(before, after)

    def session_stream(self, credentials: Credentials | None) -> str | None:
        """The stream in which the end of one of the user's sessions is recorded, or of the share link."""
        if credentials is not None and credentials.actor.shared is not None:
            assert credentials.team_id is not None
            return team_stream(UUID(credentials.team_id))
        return self._tokens.session_stream(credentials)


@dataclass(slots=True)
class _ShareLinkUse:
    """A share link that was looked up: what it lends, until when, its team, and when its use was noted last (monotonic)."""

    actor: Actor
    expires_at: float
    team_id: str
    noted_at: float = -math.inf
