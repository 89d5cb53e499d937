"""Access tokens: ES256 JWTs of type `at+jwt` (RFC 9068), good for ten minutes.

A verified token is remembered until it ends, since checking an ES256 signature costs more than most queries. That a session was
revoked is known within a second: whether it is open is asked once a second and session at most, and for many in one question.
"""

import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jwt import JWTClaimsRegistry

from auth.keys import ALGORITHM, SigningKeys
from domain.actor import Actor, Scope
from domain.errors import DomainError, TokenExpired, Unauthenticated
from domain.events import user_stream
from domain.session import Session
from persistence.engine.database import Database
from persistence.engine.request_coalescing import Coalescer
from persistence.stores import session as sessions

LIFETIME = 600
_REMEMBERED = 10_000
_FRESH = 1.0
_LONGEST = 4096
_ENDED = "The session has ended; sign in again."
_REFUSED = "The access token is not valid; sign in again."


class AccessTokens:
    """Signs access tokens and tells who bears one."""

    lifetime = LIFETIME

    def __init__(self, keys: SigningKeys, database: Database, *, issuer: str) -> None:
        self._keys = keys
        self._database = database
        self._issuer = issuer
        self._known = KeySet(list(keys.verifying.values()))
        self._claims = JWTClaimsRegistry(
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "value": issuer},
            sub={"essential": True},
            exp={"essential": True},
        )
        self._verified: OrderedDict[str, tuple[Actor, float]] = OrderedDict()
        self._open: OrderedDict[UUID, float] = OrderedDict()
        self._together: Coalescer[UUID, bool] = Coalescer(self._are_open)

    def issue(self, session: Session) -> str:
        """A token for everything that the session's user may do."""
        now = int(time.time())
        claims = {
            "iss": self._issuer,
            "aud": self._issuer,
            "sub": str(session.user_id),
            "sid": str(session.id),
            "iat": now,
            "exp": now + LIFETIME,
            "scope": " ".join(sorted(Scope)),
        }
        header = {"alg": ALGORITHM, "typ": "at+jwt", "kid": self._keys.signing.kid}
        return jwt.encode(header, claims, self._keys.signing, algorithms=[ALGORITHM])

    async def authenticate(self, authorization: str | None) -> "Bearer | None":
        """
        Who asks, by the value of an Authorization header; None without one.

        Raises TokenExpired, or Unauthenticated for anything else that is wrong.
        """
        if authorization is None:
            return None
        kind, _, token = authorization.partition(" ")
        if kind.lower() != "bearer" or not token or len(token) > _LONGEST:
            raise Unauthenticated("The Authorization header holds no Bearer token.")
        actor, ends = self._verify(token.strip())
        bearer = Bearer(actor, ends)
        await self.still_good(bearer)
        return bearer

    async def still_good(self, bearer: "Bearer") -> None:
        """Raise TokenExpired or Unauthenticated when the token or its session has ended since."""
        if bearer.ends <= time.time():
            raise TokenExpired
        session_id = bearer.actor.session_id
        assert session_id is not None
        now = time.monotonic()
        if self._open.get(session_id, 0.0) + _FRESH > now:
            return
        if not await self._together.load(session_id):
            raise Unauthenticated(_ENDED)
        self._open[session_id] = now
        self._open.move_to_end(session_id)
        while len(self._open) > _REMEMBERED:
            self._open.popitem(last=False)

    async def ended_among(self, bearers: Sequence["Bearer"]) -> Mapping["Bearer", DomainError]:
        """Those whose token or session has ended, as the database has it now: one question for all of them."""
        now = time.time()
        found: dict[Bearer, DomainError] = {each: TokenExpired() for each in bearers if each.ends <= now}
        asked = {each.actor.session_id for each in bearers if each.actor.session_id is not None}
        still_open = await sessions.find_active(self._database, list(asked), datetime.now(UTC))
        for each in bearers:
            session_id = each.actor.session_id
            if session_id not in still_open and each not in found:
                found[each] = Unauthenticated(_ENDED)
            if session_id is not None and session_id not in still_open:
                self._open.pop(session_id, None)  # nor is it good for a second more anywhere else
        return found

    def renews(self, before: "Bearer | None", after: "Bearer | None") -> bool:
        """Whether a newer token is of the same session and lends the same: then whatever was begun with the older one may go
        on."""
        return before is not None and after is not None and before.actor == after.actor

    def stream_of(self, bearer: "Bearer | None") -> str | None:
        """Where it is told that one of his sessions has ended."""
        return None if bearer is None else user_stream(bearer.actor.user_id)

    async def _are_open(self, session_ids: Sequence[UUID]) -> Mapping[UUID, bool]:
        still_open = await sessions.find_active(self._database, session_ids, datetime.now(UTC))
        return {each: each in still_open for each in session_ids}

    def _verify(self, token: str) -> tuple[Actor, float]:
        known = self._verified.get(token)
        if known is not None:
            return known
        try:
            decoded = jwt.decode(token, self._known, algorithms=[ALGORITHM])
            if decoded.header.get("typ") != "at+jwt":
                raise Unauthenticated(_REFUSED)
            claims: dict[str, Any] = decoded.claims
            if isinstance(claims.get("exp"), int) and claims["exp"] <= time.time():
                raise TokenExpired
            self._claims.validate(claims)
            actor = Actor(
                user_id=UUID(claims["sub"]),
                session_id=UUID(claims["sid"]),
                scopes=frozenset(Scope(each) for each in claims["scope"].split()),
            )
        except (JoseError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise Unauthenticated(_REFUSED) from error
        self._verified[token] = actor, float(claims["exp"])
        while len(self._verified) > _REMEMBERED:
            self._verified.popitem(last=False)
        return self._verified[token]


class Bearer:
    """Who a token speaks for, and until when (seconds since the epoch)."""

    __slots__ = ("actor", "ends")

    def __init__(self, actor: Actor, ends: float) -> None:
        self.actor = actor
        self.ends = ends
