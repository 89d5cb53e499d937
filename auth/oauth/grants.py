"""The grants: authorization code with PKCE, refresh token, client credentials. No implicit one, and none with passwords."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from authlib.oauth2.rfc6749 import AuthorizationCodeGrant as AuthlibCodeGrant
from authlib.oauth2.rfc6749 import AuthorizationCodeMixin, TokenMixin
from authlib.oauth2.rfc6749 import ClientCredentialsGrant as AuthlibClientCredentialsGrant
from authlib.oauth2.rfc6749 import RefreshTokenGrant as AuthlibRefreshTokenGrant
from authlib.oauth2.rfc6749.errors import InvalidRequestError, InvalidScopeError
from authlib.oauth2.rfc7636 import CodeChallenge
from uuid_utils.compat import uuid7

from auth.oauth.clients import RegisteredClient, app_scopes
from auth.oauth.id_token import id_token_claims
from auth.oauth.server import ALL_METHODS, SECRET_METHODS, InvalidTargetError, LoadedRequest, RequestServer
from domain import session as sessions
from domain.device_code import DeviceCode
from domain.oauth_client import OAuthClient
from domain.oauth_grant import AuthorizationCode, is_code, new_code
from domain.session import RefreshVerdict, Session, SessionKind
from domain.user import User, UserStatus

Response = tuple[int, Mapping[str, Any], list[tuple[str, str]]]
_MAX_NONCE_CHARS: Final = 500


def token_server(loaded: LoadedRequest) -> RequestServer:
    """The server that answers one request for tokens."""
    server = RequestServer(loaded)
    server.register_grant(CodeGrant, [Pkce(required=True)])
    server.register_grant(RefreshGrant)
    server.register_grant(AppGrant)
    return server


def authorization_server(loaded: LoadedRequest) -> RequestServer:
    """The server that answers one request for authorization."""
    server = RequestServer(loaded)
    server.register_grant(CodeGrant, [Pkce(required=True)])
    return server


class Pkce(CodeChallenge):
    """Proof Key for Code Exchange: required of every client, and S256 only (RFC 9700, section 2.1.1)."""

    DEFAULT_CODE_CHALLENGE_METHOD = "S256"
    SUPPORTED_CODE_CHALLENGE_METHOD: ClassVar = ["S256"]

    def validate_code_challenge(self, grant: Any, redirect_uri: str) -> None:
        data = grant.request.payload.data
        if not data.get("code_challenge"):
            raise InvalidRequestError("PKCE is required: send a code_challenge.")
        if data.get("code_challenge_method") != "S256":
            raise InvalidRequestError("The code_challenge_method must be S256.")
        super().validate_code_challenge(grant, redirect_uri)

    def get_authorization_code_challenge(self, authorization_code: "PresentedCode") -> str:
        return authorization_code.code.code_challenge

    def get_authorization_code_challenge_method(self, authorization_code: "PresentedCode") -> str:
        return "S256"


class PresentedCode(AuthorizationCodeMixin):
    """An authorization code, as Authlib's grant reads it."""

    def __init__(self, code: AuthorizationCode) -> None:
        self.code = code

    def get_redirect_uri(self) -> str:
        return self.code.redirect_uri

    def get_scope(self) -> str:
        return " ".join(self.code.scopes)


class CodeGrant(AuthlibCodeGrant):
    """A person signs in and consents; their code is redeemed once."""

    TOKEN_ENDPOINT_AUTH_METHODS = ALL_METHODS

    @property
    def loaded(self) -> LoadedRequest:
        loaded: LoadedRequest = self.server.loaded
        return loaded

    # at the authorization endpoint

    def validate_authorization_request(self) -> str:
        redirect_uri: str = super().validate_authorization_request()
        data = self.request.payload.data
        problem = None
        if data.get("response_mode", "query") != "query":
            problem = InvalidRequestError("The response_mode must be query.")
        elif len(data.get("nonce", "")) > _MAX_NONCE_CHARS:
            problem = InvalidRequestError("The nonce is too long.")
        elif unsupported := next((each for each in ("request", "request_uri", "registration") if each in data), None):
            problem = InvalidRequestError(error=f"{unsupported}_not_supported")
        if problem is None:
            try:
                self.loaded.audience(self.request)
            except InvalidTargetError as error:
                problem = error
        if problem is not None:
            problem.redirect_uri = redirect_uri
            raise problem
        return redirect_uri

    def generate_authorization_code(self) -> str:
        self.loaded.new_code = new_code(uuid7())
        return "{}.{}".format(*self.loaded.new_code)

    def save_authorization_code(self, code: str, request: Any) -> None:
        self.loaded.new_code_scopes = tuple(request.scope.split())

    # at the token endpoint

    def query_authorization_code(self, code: str, client: RegisteredClient) -> PresentedCode | None:
        found = self.loaded.code
        if found is None or found.client_id != client.client.id or not is_code(found, self.loaded.code_secret):
            return None
        if found.session_id is not None:
            self.loaded.code_reused = True
            return None
        return PresentedCode(found) if found.expires_at > self.loaded.now else None

    def authenticate_user(self, authorization_code: PresentedCode) -> User | None:
        user = self.loaded.user
        return user if user is not None and user.status is UserStatus.ACTIVE else None

    def delete_authorization_code(self, authorization_code: PresentedCode) -> None:
        """The code stays, marked by the session that it opened."""

    def generate_token(self, *, user: User, scope: str, include_refresh_token: bool, **_: Any) -> Mapping[str, Any]:
        code: AuthorizationCode = self.request.authorization_code.code
        client: OAuthClient = self.request.client.client
        named = self.loaded.audience(self.request)
        if named is not None and code.resource not in (None, named):
            raise InvalidTargetError("The resource is not the one of the authorization request.")
        token, session = open_grant(
            self.loaded, user, client, code, resource=named or code.resource, include_refresh_token=include_refresh_token
        )
        return with_id_token(self.loaded, token, client, session, user, code.nonce)


class PresentedRefreshToken(TokenMixin):
    """A refresh token, as Authlib's grant reads it."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def check_client(self, client: RegisteredClient) -> bool:
        return self.session.client_id == client.client.id

    def get_scope(self) -> str:
        return " ".join(self.session.scopes)


class RefreshGrant(AuthlibRefreshTokenGrant):
    """A client stays signed in: its refresh token is replaced, and one that was replaced ends the session."""

    TOKEN_ENDPOINT_AUTH_METHODS = ALL_METHODS
    INCLUDE_NEW_REFRESH_TOKEN = True

    @property
    def loaded(self) -> LoadedRequest:
        loaded: LoadedRequest = self.server.loaded
        return loaded

    def authenticate_refresh_token(self, refresh_token: str) -> PresentedRefreshToken | None:
        session = self.loaded.session
        if session is None or session.client_id != self.request.client.client.id:
            return None
        verdict = self.loaded.verdict()
        self.loaded.token_reused = verdict is RefreshVerdict.REUSED
        return PresentedRefreshToken(session) if verdict in (RefreshVerdict.CURRENT, RefreshVerdict.PREDECESSOR) else None

    def authenticate_user(self, refresh_token: PresentedRefreshToken) -> User | None:
        return self.loaded.user

    def revoke_old_credential(self, refresh_token: PresentedRefreshToken) -> None:
        """The session was renewed, which replaces the token."""

    def generate_token(self, *, user: User, scope: str, **_: Any) -> Mapping[str, Any]:
        session, loaded = self.loaded.session, self.loaded
        assert session is not None
        audience = loaded.audience(self.request)
        renewed, refresh_token = sessions.renew(session, loaded.refresh_secret, loaded.verdict(), loaded.device, loaded.now)
        loaded.renewed = None if renewed is session else renewed
        token = token_response(loaded, renewed, list(dict.fromkeys(scope.split())), audience)
        token["refresh_token"] = refresh_token
        return with_id_token(loaded, token, self.request.client.client, renewed, user, None)


class AppGrant(AuthlibClientCredentialsGrant):
    """A confidential client acts for itself, as its bot."""

    TOKEN_ENDPOINT_AUTH_METHODS = SECRET_METHODS

    def create_token_response(self) -> Response:
        loaded: LoadedRequest = self.server.loaded
        client: OAuthClient = self.request.client.client
        allowed = [str(each) for each in app_scopes(client)]
        asked = (self.request.payload.scope or "").split() or allowed
        if not asked or not set(allowed).issuperset(asked):
            raise InvalidScopeError("The client may not have this scope.")
        scopes = list(dict.fromkeys(asked))
        token = {
            "access_token": loaded.tokens.issue_to_app(client, scopes, loaded.audience(self.request)),
            "token_type": "Bearer",
            "expires_in": loaded.tokens.lifetime_seconds,
            "scope": " ".join(scopes),
        }
        return 200, token, self.TOKEN_RESPONSE_HEADER


def token_response(loaded: LoadedRequest, session: Session, scopes: Sequence[str], audience: str | None) -> dict[str, Any]:
    """The access token of a client's session, with these of its scopes."""
    return {
        "access_token": loaded.tokens.issue_to_client(session, scopes, audience),
        "token_type": "Bearer",
        "expires_in": loaded.tokens.lifetime_seconds,
        "scope": " ".join(scopes),
    }


def with_id_token(
    loaded: LoadedRequest, token: dict[str, Any], client: OAuthClient, session: Session, user: User, nonce: str | None
) -> dict[str, Any]:
    """The response with an ID token, where the client asked for one."""
    if "openid" not in token["scope"].split():
        return token
    claims = id_token_claims(user, session, token["scope"].split(), token["access_token"], nonce)
    return token | {"id_token": loaded.tokens.issue_id_token(client.client_id, claims)}


def open_grant(
    loaded: LoadedRequest,
    user: User,
    client: OAuthClient,
    code: AuthorizationCode | DeviceCode,
    *,
    resource: str | None,
    include_refresh_token: bool,
) -> tuple[dict[str, Any], Session]:
    """The tokens of a code that a user has approved, and the session that it opens."""
    session, refresh_token = sessions.build_session(
        user,
        loaded.device,
        session_id=uuid7(),
        now=loaded.now,
        kind=SessionKind.GRANT,
        client_id=client.id,
        scopes=code.scopes,
        authenticated_at=code.authenticated_at,
    )
    loaded.opened = session
    token = token_response(loaded, session, code.scopes, resource)
    if include_refresh_token:
        token["refresh_token"] = refresh_token
    return token, session
