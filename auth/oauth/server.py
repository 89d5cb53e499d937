"""Authlib's authorization server over what was loaded for one request, with our grants and token responses."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from authlib.oauth2.rfc6749 import AuthorizationServer, ClientCredentialsGrant, OAuth2Error
from authlib.oauth2.rfc6749.errors import InvalidScopeError

from auth.oauth.clients import RegisteredClient, app_scopes
from auth.oauth.requests import ParsedRequest
from domain.oauth_client import OAuthClient

SECRET_METHODS: Final = ("client_secret_basic", "client_secret_post")
ALL_METHODS: Final = (*SECRET_METHODS, "none")


class Answer(NamedTuple):
    """The response to a request: a JSON body, or an empty one of a redirect."""

    status: int
    body: Mapping[str, Any] | str
    headers: list[tuple[str, str]]


class InvalidTargetError(OAuth2Error):
    """The resource is none of this server (RFC 8707)."""

    error = "invalid_target"


@dataclass(slots=True)
class LoadedRequest:
    """What one request names, as the database has it, and the issuer of tokens."""

    now: datetime
    client: OAuthClient | None
    issue_to_app: Callable[[OAuthClient, list[str], str | None], str]
    lifetime_seconds: int
    resources: tuple[str, ...]

    def audience(self, request: ParsedRequest) -> str | None:
        """The resource that a token is for; None where the request names none. Raises InvalidTargetError."""
        named = set(request.resources)
        if not named <= set(self.resources) or len(named) > 1:
            raise InvalidTargetError("The resource is not one of this server.")
        return next(iter(named), None)


class RequestServer(AuthorizationServer):
    """The authorization server of one request."""

    def __init__(self, loaded: LoadedRequest) -> None:
        super().__init__()
        self.loaded = loaded
        self.register_grant(_ClientCredentialsGrant)

    def query_client(self, client_id: str) -> RegisteredClient | None:
        """The client that was loaded for the request."""
        client = self.loaded.client
        return RegisteredClient(client, self.loaded.now) if client is not None and client.client_id == client_id else None

    def save_token(self, token: Mapping[str, Any], request: ParsedRequest) -> None:
        """Nothing: access tokens are not stored."""

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Nobody listens."""

    def create_oauth2_request(self, request: ParsedRequest) -> ParsedRequest:
        return request

    def handle_response(self, status: int, body: Mapping[str, Any] | str, headers: list[tuple[str, str]]) -> Answer:
        return Answer(status, body, headers)


class _ClientCredentialsGrant(ClientCredentialsGrant):
    """A confidential client acts for itself."""

    TOKEN_ENDPOINT_AUTH_METHODS = SECRET_METHODS

    def create_token_response(self) -> tuple[int, Mapping[str, Any], list[tuple[str, str]]]:
        loaded: LoadedRequest = self.server.loaded
        client: OAuthClient = self.request.client.client
        allowed = [str(each) for each in app_scopes(client)]
        asked = (self.request.payload.scope or "").split() or allowed
        if not asked or not set(allowed).issuperset(asked):
            raise InvalidScopeError("The client may not have this scope.")
        scopes = list(dict.fromkeys(asked))
        token = {
            "access_token": loaded.issue_to_app(client, scopes, loaded.audience(self.request)),
            "token_type": "Bearer",
            "expires_in": loaded.lifetime_seconds,
            "scope": " ".join(scopes),
        }
        return 200, token, self.TOKEN_RESPONSE_HEADER
