"""A whole HTTP response, from whoever answers a request to the protocol that writes it."""

from typing import Any, NamedTuple

Header = tuple[bytes, bytes]


class Reply(NamedTuple):
    """A whole response. `closes`: its headers say that the connection ends with it."""

    status: int
    headers: tuple[Header, ...]
    body: bytes = b""
    closes: bool = False

    def messages(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The two ASGI messages of it."""
        start = {"type": "http.response.start", "status": self.status, "headers": self.headers}
        return start, {"type": "http.response.body", "body": self.body}
