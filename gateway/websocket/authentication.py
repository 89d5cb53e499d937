"""Who is at the other end of a websocket: at the beginning, and when the token is renewed."""

import asyncio
from dataclasses import dataclass
from typing import Any

from domain.errors import DomainError, Unavailable
from gateway.execution.errors import failure
from gateway.websocket.connection_registry import Host
from gateway.websocket.messages import Close


@dataclass(frozen=True, slots=True)
class Known:
    """Credentials that are good; None for somebody who showed none."""

    credentials: Any


async def greet(host: Host, authorization: str | None) -> Known | Close:
    """Whom the hello is from, or how the connection ends."""
    try:
        async with asyncio.timeout(host.limits.sign_in):
            return Known(await host.authenticate(authorization))
    except (TimeoutError, Unavailable):
        return Close(1013, "Try again later")
    except DomainError as refused:
        return Close(4403, refused.code)
    except Exception as error:  # noqa: BLE001 (the rim)
        failure(error)
        return Close(4500, "Internal server error")


async def renew(host: Host, before: Any, authorization: str) -> Known | str:
    """The newer credentials, or the code that says why the connection keeps those that it has."""
    found = await greet(host, authorization)
    if isinstance(found, Close):
        return found.reason if found.code == 4403 else "SERVICE_UNAVAILABLE"
    return found if host.renews(before, found.credentials) else "FORBIDDEN"
