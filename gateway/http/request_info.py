"""Reads from headers and the socket where a request comes from."""

import re
from itertools import count
from secrets import token_hex

from starlette.types import Scope

from gateway.http.ports import RequestInfo

_REQUEST_ID_PATTERN = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_REQUEST_ID_PREFIX = token_hex(6)
_REQUEST_COUNTER = count(1)


def request_info(headers: dict[bytes, bytes], ip: str | None) -> RequestInfo:
    """What is known of the client; its `X-Request-Id` is used when it is a plain word."""
    given = headers.get(b"x-request-id")
    agent = headers.get(b"user-agent")
    return RequestInfo(
        agent[:256].decode("latin-1") if agent else None,
        ip,
        given.decode()
        if given is not None and _REQUEST_ID_PATTERN.fullmatch(given)
        else f"{_REQUEST_ID_PREFIX}{next(_REQUEST_COUNTER):x}",
    )


def client_ip(scope: Scope) -> str | None:
    """The address at the other end of the socket, or what a trusted proxy says it is."""
    client = scope.get("client")
    return client[0] if client else None


def authorization(headers: dict[bytes, bytes]) -> str | None:
    """The value of the Authorization header."""
    value = headers.get(b"authorization")
    return None if value is None else value.decode("latin-1")
