"""Reads the body of a request from an ASGI server, within bounds."""

from starlette.types import Receive

from gateway.http.request import BadRequest
from gateway.http.request_watchdog import ClientDisconnected
from transport.http_response import Header

CLOSE_HEADER: Header = (b"connection", b"close")
_MAX_DISCARD_FACTOR = 8  # how many times the longest body is read before the connection is cut


async def read_body(headers: dict[bytes, bytes], receive: Receive, max_bytes: int) -> bytes:
    """The whole body, of `max_bytes` at most. A longer one is read for a while and dropped: closing on a client that still writes
    resets the connection, and it would never see the answer. Raises BadRequest (413), or ClientDisconnected.
    """
    declared = headers.get(b"content-length", b"0")
    parts: list[bytes] = []
    length = 0
    more = declared.isdigit() and int(declared[:18]) <= max_bytes * _MAX_DISCARD_FACTOR
    while more and length <= max_bytes * _MAX_DISCARD_FACTOR:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnected
        part = message.get("body", b"")
        length += len(part)
        if length <= max_bytes:
            parts.append(part)
        more = message.get("more_body", False)
    if more or length > max_bytes or not declared.isdigit() or int(declared[:18]) > max_bytes:
        raise BadRequest(413, "LIMIT_EXCEEDED", f"The body is longer than {max_bytes} bytes.", [CLOSE_HEADER])
    return b"".join(parts)


def request_timeout() -> BadRequest:
    """The answer to a client whose body does not arrive."""
    return BadRequest(408, "BAD_USER_INPUT", "The body took too long to arrive.", [CLOSE_HEADER])
