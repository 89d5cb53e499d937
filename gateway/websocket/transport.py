"""A connection sends through a transport: that of an ASGI server, or a socket that was detached from it."""

from collections.abc import Sequence
from typing import Protocol

from transport.rfc6455 import CloseFrame


class WebSocketTransport(Protocol):
    """The sending side, and the control of the receiving one. Its receiver is a `transport.direct_websocket.MessageReceiver`."""

    is_writable: bool
    """Whether it takes more; the connection's `on_writable` is called when it does again."""

    def send(self, texts: Sequence[bytes], /) -> None:
        """Send text messages in one write; may not wait."""
        ...

    def ping(self) -> bool:
        """Send a ping frame (RFC 6455); whether the transport can."""
        ...

    def pause_reading(self) -> None:
        """The connection takes no more messages for now."""
        ...

    def resume_reading(self) -> None:
        """The connection takes messages again."""
        ...

    def mark_authenticated(self) -> None:
        """The client has signed in; strangers' connections are closed before theirs when there are too many."""
        ...

    def close(self, frame: CloseFrame | None) -> None:
        """Send a close frame, or just disconnect, and be gone within a second."""
        ...
