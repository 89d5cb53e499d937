"""Shows a registered client to Authlib's grants."""

from collections.abc import Collection
from datetime import datetime
from typing import Final

from authlib.oauth2.rfc6749 import ClientMixin

from auth.tokens import OPENID_SCOPES
from domain.actor import Scope
from domain.oauth_client import NOT_FOR_APPS, OAuthClient, OAuthGrant, is_secret_of
from domain.redirect_uri import is_registered
from domain.session import FIRST_PARTY_PATHS

_GRANT_TYPES: Final = {
    "authorization_code": OAuthGrant.AUTHORIZATION_CODE,
    "client_credentials": OAuthGrant.CLIENT_CREDENTIALS,
    "urn:ietf:params:oauth:grant-type:device_code": OAuthGrant.DEVICE_CODE,
    "refresh_token": OAuthGrant.REFRESH_TOKEN,
}


class RegisteredClient(ClientMixin):
    """A client at one instant."""

    def __init__(self, client: OAuthClient, now: datetime) -> None:
        self.client = client
        self._now = now

    def get_client_id(self) -> str:
        return self.client.client_id

    def get_default_redirect_uri(self) -> str | None:
        """None: RFC 9700 asks for an exact comparison, so a request always names its redirect URI."""
        return None

    def get_allowed_scope(self, scope: str | None) -> str | None:
        """The scopes of a request (all of the client's where it names none); None when one of them is not allowed."""
        if not scope:
            return " ".join(self.client.scopes)
        asked = scope.split()
        allowed = {*self.client.scopes, *OPENID_SCOPES}
        return " ".join(dict.fromkeys(asked)) if allowed.issuperset(asked) else None

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        if self.client.id in FIRST_PARTY_PATHS:  # another program of this machine could listen on another port
            return redirect_uri in self.client.redirect_uris
        return is_registered(redirect_uri, self.client.redirect_uris)

    def check_client_secret(self, client_secret: str) -> bool:
        return is_secret_of(self.client, client_secret, self._now)

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return (method == "none") == self.client.is_public

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code" and OAuthGrant.AUTHORIZATION_CODE in self.client.grants

    def check_grant_type(self, grant_type: str) -> bool:
        return _GRANT_TYPES.get(grant_type) in self.client.grants


def app_scopes(client: OAuthClient) -> Collection[Scope]:
    """What a client may do for itself."""
    return [each for each in client.scopes if each not in NOT_FOR_APPS]
