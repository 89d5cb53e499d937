"""Authlib's authorization server over what was loaded for one request, and what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from authlib.oauth2.rfc6749 import AuthorizationServer, OAuth2Error
from authlib.oauth2.rfc6749.errors import InvalidScopeError

from auth.oauth.clients import RegisteredClient
from auth.oauth.requests import ParsedRequest
from auth.tokens import AccessTokens
from domain.device_code import DeviceCode
from domain.oauth_client import OAuthClient
from domain.oauth_grant import AuthorizationCode
from domain.session import Device, RefreshVerdict, Session, judge_refresh
from domain.user import User

SECRET_METHODS: Final = ("client_secret_basic", "client_secret_post")
ALL_METHODS: Final = (*SECRET_METHODS, "none")


class Answer(NamedTuple):
    """The response to a request: a JSON body, or an empty one of a redirect."""

    status: int
    body: Mapping[str, Any] | str
    headers: list[tuple[str, str]]

    @property
    def location(self) -> str | None:
        """Where a redirect leads."""
        return dict(self.headers).get("Location")


class InvalidTargetError(OAuth2Error):
    """The resource is none of this server (RFC 8707)."""

    error = "invalid_target"


@dataclass(slots=True)
class LoadedRequest:
    """What one request names, as the database has it and holds it locked; and from `opened` on, what the grant decided.

    `code_secret` and `refresh_secret` are those of the request.
    """

    now: datetime
    tokens: AccessTokens
    device: Device
    client: OAuthClient | None = None
    code: AuthorizationCode | None = None
    code_secret: str = ""
    device_code: DeviceCode | None = None
    session: Session | None = None
    refresh_secret: str = ""
    user: User | None = None

    opened: Session | None = None
    """A session to insert."""
    renewed: Session | None = None
    """A session to update."""
    code_reused: bool = False
    token_reused: bool = False
    device_polled: bool = False
    """The device code was asked for before a person has decided."""
    new_code: tuple[UUID, str] | None = None
    """The id and secret of an authorization code to insert, with `new_code_scopes`."""
    new_code_scopes: tuple[str, ...] = ()

    def reset(self) -> None:
        """Forget what a grant decided: its transaction was undone, and it runs again."""
        self.opened = self.renewed = self.new_code = None
        self.code_reused = self.token_reused = self.device_polled = False
        self.new_code_scopes = ()

    def audience(self, request: ParsedRequest) -> str | None:
        """The resource that a token is for; None where the request names none. Raises InvalidTargetError."""
        named = set(request.resources)
        if not named <= set(self.tokens.resources) or len(named) > 1:
            raise InvalidTargetError("The resource is not one of this server.")
        return next(iter(named), None)

    def verdict(self) -> RefreshVerdict:
        """What the refresh token of the request is."""
        if self.session is None or self.user is None:
            return RefreshVerdict.INVALID
        return judge_refresh(self.session, self.user, self.refresh_secret, self.now)


class RequestServer(AuthorizationServer):
    """The authorization server of one request."""

    def __init__(self, loaded: LoadedRequest) -> None:
        super().__init__()
        self.loaded = loaded

    def query_client(self, client_id: str) -> RegisteredClient | None:
        """The client that was loaded for the request."""
        client = self.loaded.client
        return RegisteredClient(client, self.loaded.now) if client is not None and client.client_id == client_id else None

    def validate_requested_scope(self, scope: str | None) -> None:
        """Raise InvalidScopeError unless the client may ask for the scopes."""
        client = self.loaded.client
        if client is not None and RegisteredClient(client, self.loaded.now).get_allowed_scope(scope) is None:
            raise InvalidScopeError("The client may not ask for this scope.")

    def save_token(self, token: Mapping[str, Any], request: ParsedRequest) -> None:
        """Nothing: the grants note what is to be stored."""

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Nobody listens."""

    def create_oauth2_request(self, request: ParsedRequest) -> ParsedRequest:
        return request

    def handle_response(self, status: int, body: Mapping[str, Any] | str, headers: list[tuple[str, str]]) -> Answer:
        return Answer(status, body, headers)
