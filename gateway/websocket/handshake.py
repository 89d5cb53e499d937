"""Authenticates a client on `connection_init`, and again when it renews its token."""

import asyncio
from dataclasses import dataclass
from typing import Any, Final

from domain.errors import DomainError, Unavailable
from gateway.execution.errors import format_errors
from gateway.websocket import subprotocols
from gateway.websocket.messages import ConnectionInit, InvalidMessage, Subscribe
from gateway.websocket.services import WebSocketServices
from gateway.websocket.subprotocols import Subprotocol
from transport.rfc6455 import CloseFrame

_MAX_CONCURRENT_RENEWALS: Final = 4


@dataclass(frozen=True, slots=True)
class _Authenticated:
    credentials: Any


class Handshake:
    """Who is at the other end of one connection, as far as is known."""

    __slots__ = (
        "_authorization",
        "_early_operations",
        "_renewals",
        "_services",
        "_subprotocol",
        "acknowledged",
        "credentials",
        "init_received",
        "next_token",
    )

    def __init__(self, services: WebSocketServices, subprotocol: Subprotocol, authorization: str | None) -> None:
        """`authorization`: the header of the HTTP request, which holds where `connection_init` brings no token."""
        self._services = services
        self._subprotocol = subprotocol
        self._authorization = authorization
        self._early_operations: list[Subscribe] = []
        self._renewals = 0
        self.init_received = False
        self.acknowledged = False
        self.credentials: Any = None
        self.next_token: str | None = None
        """A newer token that was sent before the first one was checked."""

    def hold(self, frame: Subscribe) -> bool:
        """Hold an operation back until the client is acknowledged; whether the protocol and the limits allow that."""
        if not self.init_received or self._subprotocol.client_waits_for_ack:
            return False
        self.drop(frame.id)  # a second one under an id takes the place of the first
        if len(self._early_operations) >= self._services.limits.max_operations:
            return False
        self._early_operations.append(frame)
        return True

    def drop(self, id_: str) -> None:
        """The client has cancelled an operation that is held back."""
        if self._early_operations:
            self._early_operations = [each for each in self._early_operations if each.id != id_]

    def release(self) -> list[Subscribe]:
        """The operations that were held back."""
        held, self._early_operations = self._early_operations, []
        return held

    async def authenticate(self, authorization: str | None) -> CloseFrame | None:
        """Learn who the client is; or how the connection ends."""
        found = await self._authenticate(self._authorization if authorization is None else authorization)
        if isinstance(found, CloseFrame):
            return found
        self.credentials = found.credentials
        self.acknowledged = True
        self._authorization = None
        return None

    async def renew(self, authorization: str) -> bytes:
        """Replace the token by a newer one of the same session with the same scopes; the message that says whether it was."""
        refusal = await self._renew(authorization)
        if refusal is None:
            accepted = subprotocols.pong_message({"authorization": "accepted"})
            return accepted if self._subprotocol.expects_pong else self._subprotocol.ack_messages[0]
        refused = self._subprotocol.connection_error(refusal)
        return subprotocols.pong_message({"authorization": "refused", "code": refusal}) if refused is None else refused

    async def _renew(self, authorization: str) -> str | None:
        """The code that says why the connection keeps the credentials that it has; None when they were replaced."""
        if self._renewals >= _MAX_CONCURRENT_RENEWALS:
            return "RATE_LIMITED"
        self._renewals += 1
        try:
            found = await self._authenticate(authorization)
        finally:
            self._renewals -= 1
        if isinstance(found, CloseFrame):
            return found.reason if found.code == 4403 else "SERVICE_UNAVAILABLE"
        if not self._services.credentials.can_replace(self.credentials, found.credentials):
            return "FORBIDDEN"
        self.credentials = found.credentials
        return None

    async def _authenticate(self, authorization: str | None) -> _Authenticated | CloseFrame:
        try:
            async with asyncio.timeout(self._services.limits.authentication_timeout_seconds):
                return _Authenticated(await self._services.credentials.authenticate(authorization))
        except (TimeoutError, Unavailable):
            return CloseFrame(1013, "Try again later")
        except DomainError as refused:
            return CloseFrame(4403, refused.code)
        except Exception as error:  # noqa: BLE001 (the boundary of a handshake)
            format_errors(error)
            return CloseFrame(4500, "Internal server error")


def token_of(init: ConnectionInit) -> str | None:
    """The token in the payload of `connection_init`, whose key is `authorization` in any case. Raises `InvalidMessage`."""
    token = next((value for name, value in init.payload.items() if name.lower() == "authorization"), None)
    if token is not None and not isinstance(token, str):
        raise InvalidMessage("The payload's Authorization must be a string.")
    return token
