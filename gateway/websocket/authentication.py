"""Who is at the other end of a websocket: at the beginning, and when the token is renewed."""

import asyncio
from dataclasses import dataclass
from typing import Any

from domain.errors import DomainError, Unavailable
from gateway.execution.errors import format_errors
from gateway.websocket.connection_registry import ConnectionRegistry
from gateway.websocket.messages import CloseFrame


@dataclass(frozen=True, slots=True)
class Authenticated:
    """Credentials that are good; None for somebody who showed none."""

    credentials: Any


async def authenticate(registry: ConnectionRegistry, authorization: str | None) -> Authenticated | CloseFrame:
    """Whom the hello is from, or how the connection ends."""
    try:
        async with asyncio.timeout(registry.limits.authentication_timeout_seconds):
            return Authenticated(await registry.authenticate(authorization))
    except (TimeoutError, Unavailable):
        return CloseFrame(1013, "Try again later")
    except DomainError as refused:
        return CloseFrame(4403, refused.code)
    except Exception as error:  # noqa: BLE001 (the rim)
        format_errors(error)
        return CloseFrame(4500, "Internal server error")


async def reauthenticate(registry: ConnectionRegistry, current: Any, authorization: str) -> Authenticated | str:
    """The newer credentials, or the code that says why the connection keeps those that it has."""
    found = await authenticate(registry, authorization)
    if isinstance(found, CloseFrame):
        return found.reason if found.code == 4403 else "SERVICE_UNAVAILABLE"
    return found if registry.can_replace(current, found.credentials) else "FORBIDDEN"
