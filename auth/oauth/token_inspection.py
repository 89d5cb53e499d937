"""Revokes tokens (RFC 7009) and introspects them (RFC 7662); each client its own only."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from authlib.oauth2.rfc6749 import TokenMixin
from authlib.oauth2.rfc6749.errors import InvalidRequestError
from authlib.oauth2.rfc7009 import RevocationEndpoint as AuthlibRevocationEndpoint
from authlib.oauth2.rfc7662 import IntrospectionEndpoint as AuthlibIntrospectionEndpoint

from auth.oauth.clients import RegisteredClient
from auth.oauth.requests import ParsedRequest
from auth.oauth.server import ALL_METHODS, SECRET_METHODS, LoadedRequest
from auth.tokens import VerifiedToken
from domain.errors import Unauthenticated
from domain.session import RefreshVerdict, Session, judge_refresh, parse_token
from domain.user import User, UserStatus
from persistence.unit_of_work import SqlUnitOfWork


@dataclass(slots=True)
class PresentedToken(TokenMixin):
    """A token of a client, with the session that it belongs to; `access` where it is an access token."""

    session: Session
    user: User
    is_good: bool
    now: datetime
    access: VerifiedToken | None

    def check_client(self, client: RegisteredClient) -> bool:
        return self.session.client_id == client.client.id

    def is_expired(self) -> bool:
        return not self.is_good

    def is_revoked(self) -> bool:
        session = self.session
        return session.revoked_at is not None or session.expires_at <= self.now or self.user.status is not UserStatus.ACTIVE


async def load_token(uow: SqlUnitOfWork, request: ParsedRequest, loaded: LoadedRequest) -> PresentedToken | None:
    """The token of a request: a refresh token, or an access token; None for what is neither, or of no client's session."""
    value = request.form.get("token", "")
    try:
        access = loaded.tokens.verify(value) if value.count(".") == 2 else None
    except Unauthenticated:
        return None
    parsed = parse_token(value) if access is None else None
    session_id = access.credentials.actor.session_id if access is not None else parsed[0] if parsed is not None else None
    held = None if session_id is None else await uow.sessions.lock(session_id)
    if held is None or held[0].client_id is None:
        return None
    session, user = held
    is_good = True
    if parsed is not None:
        verdict = judge_refresh(session, user, parsed[1], uow.now)
        if verdict is RefreshVerdict.INVALID:
            return None
        is_good = verdict is not RefreshVerdict.REUSED
    return PresentedToken(session, user, is_good, uow.now, access)


class RevocationEndpoint(AuthlibRevocationEndpoint):
    """Ends the session of a token: all its tokens end with it. What is no token is as good as revoked."""

    CLIENT_AUTH_METHODS = ALL_METHODS

    def __init__(self, token: PresentedToken | None) -> None:
        super().__init__()
        self._token = token
        self.revoked: Session | None = None

    def check_params(self, request: ParsedRequest, client: RegisteredClient) -> None:
        _require_token(request)

    def query_token(self, token_string: str, token_type_hint: str | None) -> PresentedToken | None:
        return self._token

    def revoke_token(self, token: PresentedToken, request: ParsedRequest) -> None:
        self.revoked = token.session


class IntrospectionEndpoint(AuthlibIntrospectionEndpoint):
    """Answers a confidential client about a token of its own; any other token is not active."""

    CLIENT_AUTH_METHODS = SECRET_METHODS

    def __init__(self, token: PresentedToken | None, issuer: str) -> None:
        super().__init__()
        self._token = token
        self._issuer = issuer

    def check_params(self, request: ParsedRequest, client: RegisteredClient) -> None:
        _require_token(request)

    def query_token(self, token_string: str, token_type_hint: str | None) -> PresentedToken | None:
        return self._token

    def check_permission(self, token: PresentedToken, client: RegisteredClient, request: ParsedRequest) -> bool:
        return token.check_client(client)

    def introspect_token(self, token: PresentedToken) -> dict[str, Any]:
        session, access = token.session, token.access
        answer: dict[str, Any] = {
            "active": True,
            "iss": self._issuer,
            "client_id": str(session.client_id),
            "sub": str(session.user_id),
            "scope": " ".join(session.scopes),
            "exp": int(session.expires_at.timestamp()),
        }
        if access is None:
            return answer
        claims = {name: access.claims[name] for name in ("scope", "exp", "iat", "aud", "jti")}
        return answer | {"token_type": "Bearer", **claims}


def _require_token(request: ParsedRequest) -> None:
    """Raise InvalidRequestError for a request without a token. Hints of its type, known or not, are not needed to find it."""
    if "token" not in request.form:
        raise InvalidRequestError("Send a token.")
