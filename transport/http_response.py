"""A whole HTTP response, as endpoints return it and protocols write it."""

from http import HTTPStatus
from typing import Any, Final, NamedTuple

Header = tuple[bytes, bytes]

_STATUS_LINES: Final = {each.value: b"HTTP/1.1 %d %s\r\n" % (each.value, each.phrase.encode()) for each in HTTPStatus}


class Reply(NamedTuple):
    """A whole response. `closes`: its headers say that the connection ends with it. `is_authenticated`: the request was that of
    a signed-in user, whose connection is not a stranger's."""

    status: int
    headers: tuple[Header, ...]
    body: bytes = b""
    closes: bool = False
    is_authenticated: bool = False

    def messages(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The two ASGI messages of the response."""
        start = {"type": "http.response.start", "status": self.status, "headers": self.headers}
        return start, {"type": "http.response.body", "body": self.body}


def serialize(response: Reply, default_headers: list[Header], *, keep_alive: bool) -> bytes:
    """The bytes of a response."""
    parts = [_STATUS_LINES[response.status]]
    for name, value in (*default_headers, *response.headers):
        parts += (name, b": ", value, b"\r\n")
    if not keep_alive and not response.closes:
        parts.append(b"connection: close\r\n")
    parts += (b"\r\n", response.body)
    return b"".join(parts)


def plain_text_response(status: int, text: str) -> Reply:
    """A response without a format of its own, after which the connection ends."""
    body = text.encode()
    headers = (
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", b"%d" % len(body)),
        (b"connection", b"close"),
    )
    return Reply(status, headers, body, closes=True)
