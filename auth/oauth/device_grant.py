"""The grant of device codes (RFC 8628): a program asks for a code, and polls until a person has decided."""

from collections.abc import Mapping
from typing import Any

from authlib.oauth2.rfc6749.errors import InvalidGrantError
from authlib.oauth2.rfc8628 import DeviceAuthorizationEndpoint as AuthlibDeviceAuthorizationEndpoint
from authlib.oauth2.rfc8628 import DeviceCodeGrant as AuthlibDeviceCodeGrant
from authlib.oauth2.rfc8628 import DeviceCredentialMixin
from uuid_utils.compat import uuid7

from auth.oauth.grants import open_grant, with_id_token
from auth.oauth.server import ALL_METHODS, LoadedRequest
from domain.device_code import INTERVAL, LIFETIME, DeviceCode, is_code, new_user_code, shown
from domain.oauth_client import OAuthClient
from domain.oauth_grant import new_code
from domain.user import User, UserStatus


class PresentedDeviceCode(DeviceCredentialMixin):
    """A device code, as Authlib's grant reads it."""

    def __init__(self, code: DeviceCode, loaded: LoadedRequest) -> None:
        self.code = code
        self._loaded = loaded

    def get_client_id(self) -> str:
        return str(self.code.client_id)

    def get_scope(self) -> str:
        return " ".join(self.code.scopes)

    def get_user_code(self) -> str:
        return self.code.user_code

    def is_expired(self) -> bool:
        return self.code.expires_at <= self._loaded.now


class DeviceGrant(AuthlibDeviceCodeGrant):
    """A program polls for the tokens that a person granted elsewhere."""

    TOKEN_ENDPOINT_AUTH_METHODS = ALL_METHODS

    @property
    def loaded(self) -> LoadedRequest:
        loaded: LoadedRequest = self.server.loaded
        return loaded

    def query_device_credential(self, device_code: str) -> PresentedDeviceCode:
        found = self.loaded.device_code
        if found is None or found.session_id is not None or not is_code(found, self.loaded.code_secret):
            raise InvalidGrantError("The device code is none, or was redeemed.")
        return PresentedDeviceCode(found, self.loaded)

    def query_user_grant(self, user_code: str) -> tuple[User | None, bool] | None:
        code, user = self.loaded.device_code, self.loaded.user
        if code is None or code.approved is None:
            return None
        return user, code.approved and user is not None and user.status is UserStatus.ACTIVE

    def should_slow_down(self, credential: PresentedDeviceCode) -> bool:
        before = credential.code.polled_at
        self.loaded.device_polled = True
        return before is not None and before + INTERVAL > self.loaded.now

    def generate_token(self, *, user: User, scope: str, include_refresh_token: bool, **_: Any) -> Mapping[str, Any]:
        code: DeviceCode = self.request.credential.code
        client: OAuthClient = self.request.client.client
        token, session = open_grant(
            self.loaded, user, client, code, resource=code.resource, include_refresh_token=include_refresh_token
        )
        return with_id_token(self.loaded, token, client, session, user, None)


class DeviceAuthorizationEndpoint(AuthlibDeviceAuthorizationEndpoint):
    """Gives a program its codes."""

    CLIENT_AUTH_METHODS = ALL_METHODS
    EXPIRES_IN = int(LIFETIME.total_seconds())
    INTERVAL = int(INTERVAL.total_seconds())

    def __init__(self, loaded: LoadedRequest, verification_uri: str) -> None:
        super().__init__(None)
        self._loaded = loaded
        self._verification_uri = verification_uri
        self.user_code = new_user_code()

    def authenticate_client(self, request: Any) -> Any:
        client = super().authenticate_client(request)
        if not client.check_grant_type(DeviceGrant.GRANT_TYPE):
            raise InvalidGrantError("The client may not use device codes.", error="unauthorized_client")
        self._loaded.audience(request)
        return client

    def generate_device_code(self) -> str:
        self._loaded.new_code = new_code(uuid7())
        return "{}.{}".format(*self._loaded.new_code)

    def generate_user_code(self) -> str:
        return shown(self.user_code)

    def get_verification_uri(self) -> str:
        return self._verification_uri

    def save_device_credential(self, client_id: str, scope: str | None, data: Mapping[str, Any]) -> None:
        client = self.server.query_client(client_id)
        self._loaded.new_code_scopes = tuple(client.get_allowed_scope(scope).split())
