"""What carries a connection's messages: the ASGI server, or a transport that was taken over from it."""

from collections.abc import Sequence
from typing import Protocol

from gateway.websocket.messages import CloseFrame


class WebSocketTransport(Protocol):
    """The sending side. It calls the connection's `receive`, `pong` and `end`, and `writable` of its outbox."""

    is_writable: bool
    """Whether it takes more; `Outbox.writable` is called when it does again."""

    def send(self, texts: Sequence[bytes]) -> None:
        """Send text messages in one write; may not wait."""
        ...

    def ping(self) -> bool:
        """Send a ping of the websocket itself; whether that was possible."""
        ...

    def close(self, frame: CloseFrame | None) -> None:
        """Say good-bye, or just hang up, and be gone within a second."""
        ...
