"""The body of a request, from an ASGI server, within bounds."""

from starlette.types import Receive

from gateway.http.request import BadRequest
from gateway.http.request_watchdog import ClientGone
from transport.http_response import Header

CLOSE: Header = (b"connection", b"close")
_PATIENCE = 8  # how many times the longest body is read before the connection is cut


async def read_body(headers: dict[bytes, bytes], receive: Receive, longest: int) -> bytes:
    """The whole body, of `longest` bytes at most. What is too long is read on for a while and thrown away: closing on a client
    that still writes resets the connection, and it would never see the answer. Raises BadRequest (413), or ClientGone.
    """
    declared = headers.get(b"content-length", b"0")
    parts: list[bytes] = []
    length = 0
    more = declared.isdigit() and int(declared[:18]) <= longest * _PATIENCE
    while more and length <= longest * _PATIENCE:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        part = message.get("body", b"")
        length += len(part)
        if length <= longest:
            parts.append(part)
        more = message.get("more_body", False)
    if more or length > longest or not declared.isdigit() or int(declared[:18]) > longest:
        raise BadRequest(413, "LIMIT_EXCEEDED", f"The body is longer than {longest} bytes.", [CLOSE])
    return b"".join(parts)


def too_late() -> BadRequest:
    """What is said to a client whose body does not come."""
    return BadRequest(408, "BAD_USER_INPUT", "The body took too long to arrive.", [CLOSE])
