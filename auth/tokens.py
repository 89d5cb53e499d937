"""Issues and verifies access tokens: ES256 JWTs of type `at+jwt` (RFC 9068), valid for ten minutes; and personal API tokens.

A verified token is cached until it expires, since checking an ES256 signature costs more than most queries. A revoked session is
noticed within a second: each session is checked once a second at most, in one query for many.
"""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from secrets import token_hex
from typing import Any, NamedTuple
from uuid import UUID

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, GuestProtocol
from joserfc.jwt import JWTClaimsRegistry

from auth.keys import ALGORITHM, SigningKeys
from domain import api_token
from domain.actor import Actor, Scope
from domain.errors import DomainError, TokenExpired, Unauthenticated
from domain.events import user_stream
from domain.oauth_client import OAuthClient
from domain.session import Session
from persistence.engine.database import Database
from persistence.engine.lru_cache import LruCache
from persistence.engine.request_coalescing import Coalescer
from persistence.stores import api_token as stored_api_tokens
from persistence.stores import session as sessions

LIFETIME_SECONDS = 600
MAX_CLOCK_SKEW_SECONDS = 600
"""By how much the clock of the process that issued a token may be ahead. When a token ends is judged by the own clock alone."""
_TOKEN_CACHE_BYTES = 16 * 2**20
_TOKEN_ENTRY_BYTES = 2_400  # beside the token itself
_SESSION_CACHE_BYTES = 4 * 2**20
_SESSION_ENTRY_BYTES = 400
_SESSION_CHECK_SECONDS = 1.0
_NOTE_USE_SECONDS = 60.0
_MAX_TOKEN_CHARACTERS = 4096
OPENID_SCOPES = ("openid", "profile", "email")
"""Scopes of OpenID Connect, which any client may ask for; they lend nothing of the graph."""
_SESSION_ENDED_MESSAGE = "The session has ended; sign in again."
_INVALID_MESSAGE = "The access token is not valid; sign in again."


class AccessTokens:
    """Signs access tokens and verifies them."""

    lifetime_seconds = LIFETIME_SECONDS

    def __init__(self, keys: SigningKeys, database: Database, *, issuer: str) -> None:
        self._keys = keys
        self._database = database
        self._issuer = issuer
        self._claims_registry = JWTClaimsRegistry(
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "values": list(self.resources)},
            sub={"essential": True},
            exp={"essential": True},
            leeway=MAX_CLOCK_SKEW_SECONDS,
        )
        self._verified_tokens: LruCache[str, VerifiedToken] = LruCache("access tokens", _TOKEN_CACHE_BYTES)
        self._checked_sessions: LruCache[UUID, float] = LruCache("sessions", _SESSION_CACHE_BYTES)
        self._api_tokens: LruCache[bytes, _ApiTokenUse] = LruCache("API tokens", _SESSION_CACHE_BYTES)
        self._coalescer: Coalescer[UUID, bool] = Coalescer(self._check_sessions)

    @property
    def resources(self) -> tuple[str, ...]:
        """What tokens are for: the server as a whole, or the graph."""
        return self._issuer, f"{self._issuer}/graphql"

    def issue(self, session: Session) -> str:
        """A token for everything that the user of the session may do."""
        return self._sign(user_id=session.user_id, session_id=session.id, scopes=sorted(Scope))

    def issue_to_client(self, session: Session, scopes: Sequence[str], audience: str | None) -> str:
        """A token with which a client acts for the user of its session."""
        return self._sign(
            user_id=session.user_id,
            session_id=session.id,
            scopes=scopes,
            audience=audience,
            client_id=str(session.client_id),
        )

    def issue_id_token(self, client_id: str, claims: Mapping[str, Any]) -> str:
        """An ID token (OpenID Connect Core, section 2) for a client, with these claims."""
        now = int(time.time())
        whole = {"iss": self._issuer, "aud": client_id, "iat": now, "exp": now + LIFETIME_SECONDS, **claims}
        return self._encode("JWT", whole)

    def issue_to_app(self, client: OAuthClient, scopes: Sequence[str], audience: str | None) -> str:
        """A token with which a client of a team acts for itself."""
        assert client.bot_id is not None
        return self._sign(
            user_id=client.bot_id,
            session_id=client.id,
            scopes=scopes,
            audience=audience,
            client_id=client.client_id,
            team_id=client.team_id,
        )

    def _sign(
        self,
        *,
        user_id: UUID,
        session_id: UUID,
        scopes: Sequence[str],
        audience: str | None = None,
        client_id: str | None = None,
        team_id: UUID | None = None,
    ) -> str:
        now = int(time.time())
        claims = {
            "iss": self._issuer,
            "aud": audience or self._issuer,
            "sub": str(user_id),
            "sid": str(session_id),
            "jti": token_hex(16),
            "iat": now,
            "exp": now + LIFETIME_SECONDS,
            "scope": " ".join(scopes),
        }
        if client_id is not None:
            claims["client_id"] = client_id
        if team_id is not None:
            claims["team_id"] = str(team_id)
        return self._encode("at+jwt", claims)

    def _encode(self, kind: str, claims: dict[str, Any]) -> str:
        key = self._keys.signing
        return jwt.encode({"alg": ALGORITHM, "typ": kind, "kid": key.kid}, claims, key, algorithms=[ALGORITHM])

    async def authenticate(self, authorization: str | None) -> "Credentials | None":
        """
        The credentials of an Authorization header; None without one.

        Raises TokenExpired, and Unauthenticated for anything else that is wrong.
        """
        if authorization is None:
            return None
        kind, _, token = authorization.partition(" ")
        if kind.lower() != "bearer" or not token or len(token) > _MAX_TOKEN_CHARACTERS:
            raise Unauthenticated("The Authorization header holds no Bearer token.")
        token = token.strip()
        if token.startswith(api_token.SECRET_PREFIX):
            return await self._authenticate_api_token(token)
        credentials = self.verify(token).credentials
        await self.check_active(credentials)
        return credentials

    async def check_active(self, credentials: "Credentials") -> None:
        """Raise TokenExpired or Unauthenticated when the token has expired or its session has ended."""
        if credentials.expires_at <= time.time():
            raise TokenExpired
        session_id = credentials.actor.session_id
        assert session_id is not None
        now = time.monotonic()
        if (self._checked_sessions.get(session_id) or 0.0) + _SESSION_CHECK_SECONDS > now:
            return
        if not await self._coalescer.load(session_id):
            raise Unauthenticated(_SESSION_ENDED_MESSAGE)
        self._checked_sessions.put(session_id, now, _SESSION_ENTRY_BYTES)

    async def find_revoked(self, credentials: Sequence["Credentials"]) -> Mapping["Credentials", DomainError]:
        """The credentials whose token has expired or whose session has ended, as the database has it now, in one query."""
        now = time.time()
        found: dict[Credentials, DomainError] = {each: TokenExpired() for each in credentials if each.expires_at <= now}
        asked = {each.actor.session_id for each in credentials if each.actor.session_id is not None}
        still_open = await sessions.find_active(self._database, list(asked), datetime.now(UTC))
        for each in credentials:
            session_id = each.actor.session_id
            if session_id not in still_open and each not in found:
                found[each] = Unauthenticated(_SESSION_ENDED_MESSAGE)
            if session_id is not None and session_id not in still_open:
                self._checked_sessions.remove(session_id)  # check_active must not accept it for another second
        return found

    def can_replace(self, before: "Credentials | None", after: "Credentials | None") -> bool:
        """Whether a newer token has the same session and scopes, so that operations begun with the older one may go on."""
        return before is not None and after is not None and before.actor == after.actor

    def session_stream(self, credentials: "Credentials | None") -> str | None:
        """The stream in which the end of one of the user's sessions is recorded."""
        return None if credentials is None else user_stream(credentials.actor.user_id)

    async def _authenticate_api_token(self, token: str) -> "Credentials":
        """The credentials of a personal API token, which is looked up; the use is noted, once a minute."""
        secret_hash = api_token.hash_secret(token)
        known = self._api_tokens.get(secret_hash)
        if known is None:
            row = await stored_api_tokens.by_secret(self._database, secret_hash)
            if row is None:
                raise Unauthenticated(_INVALID_MESSAGE)
            actor = Actor(user_id=row.user_id, session_id=row.id, scopes=frozenset(map(Scope, row.scopes)))
            known = _ApiTokenUse(actor, math.inf if row.expires_at is None else row.expires_at.timestamp())
            self._api_tokens.put(secret_hash, known, _TOKEN_ENTRY_BYTES)
        credentials = Credentials(known.actor, known.expires_at)
        await self.check_active(credentials)
        if known.noted_at + _NOTE_USE_SECONDS <= time.monotonic():
            known.noted_at = time.monotonic()
            assert known.actor.session_id is not None
            await stored_api_tokens.touch(self._database, [known.actor.session_id])
        return credentials

    async def _check_sessions(self, session_ids: Sequence[UUID]) -> Mapping[UUID, bool]:
        still_open = await sessions.find_active(self._database, session_ids, datetime.now(UTC))
        return {each: each in still_open for each in session_ids}

    def verify(self, token: str) -> "VerifiedToken":
        """What an access token says; whether its session is open is not asked. Raises TokenExpired and Unauthenticated."""
        known = self._verified_tokens.get(token)
        if known is not None and self._keys.find(known.kid) is not None and known.credentials.expires_at > time.time():
            return known
        try:
            decoded = jwt.decode(token, self._find_key, algorithms=[ALGORITHM])
            if decoded.header.get("typ") != "at+jwt":
                raise Unauthenticated(_INVALID_MESSAGE)
            claims: dict[str, Any] = decoded.claims
            if isinstance(claims.get("exp"), int) and claims["exp"] <= time.time():
                raise TokenExpired
            self._claims_registry.validate(claims)
            scopes = frozenset(claims["scope"].split())
            actor = Actor(
                user_id=UUID(claims["sub"]),
                session_id=UUID(claims["sid"]),
                scopes=frozenset(Scope(each) for each in scopes if each not in OPENID_SCOPES),
                is_app=claims.get("client_id") == claims["sid"],
            )
            credentials = Credentials(actor, float(claims["exp"]), claims.get("team_id"))
            verified = VerifiedToken(credentials, decoded.header["kid"], scopes, claims)
        except (JoseError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise Unauthenticated(_INVALID_MESSAGE) from error
        self._verified_tokens.put(token, verified, len(token) + _TOKEN_ENTRY_BYTES)
        return verified

    def subject_of(self, id_token: str, client_id: str) -> UUID | None:
        """Whom an ID token of this server tells a client of, even when it has expired; None for any other token."""
        try:
            decoded = jwt.decode(id_token[:_MAX_TOKEN_CHARACTERS], self._find_key, algorithms=[ALGORITHM])
            claims: dict[str, Any] = decoded.claims
            is_ours = decoded.header.get("typ") == "JWT" and (claims["iss"], claims["aud"]) == (self._issuer, client_id)
            return UUID(claims["sub"]) if is_ours else None
        except (Unauthenticated, JoseError, ValueError, KeyError, TypeError, AttributeError):
            return None

    def _find_key(self, token: GuestProtocol) -> ECKey:
        """The key that the token's header names; what else the header says of keys (`jwk`, `jku`, `x5u`) is not read."""
        key = self._keys.find(token.headers()["kid"])
        if key is None:
            raise Unauthenticated(_INVALID_MESSAGE)
        return key


@dataclass(slots=True)
class _ApiTokenUse:
    """A personal API token that was looked up: whose it is, until when, and when its use was noted last (monotonic)."""

    actor: Actor
    expires_at: float
    noted_at: float = -math.inf


class VerifiedToken(NamedTuple):
    """What a verified token says, and the id of the key that signed it. `scopes` has those of OpenID Connect too."""

    credentials: "Credentials"
    kid: str
    scopes: frozenset[str]
    claims: Mapping[str, Any]


class Credentials:
    """The actor of a token, when it expires (seconds since the epoch), and of an app the id of its team."""

    __slots__ = ("actor", "expires_at", "team_id")

    def __init__(self, actor: Actor, expires_at: float, team_id: str | None = None) -> None:
        self.actor = actor
        self.expires_at = expires_at
        self.team_id = team_id
