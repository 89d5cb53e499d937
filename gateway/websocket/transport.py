"""A connection sends through a transport: that of an ASGI server, or a socket that was detached from it."""

from collections.abc import Hashable, Sequence
from typing import Protocol

from gateway.websocket.messages import CloseFrame


class WebSocketTransport(Protocol):
    """
    The sending side, and the control of the receiving one.

    It calls `receive`, `on_pong_frame`, `on_flood`, `on_writable` and `close` of its connection.
    """

    is_writable: bool
    """Whether it takes more; the connection's `on_writable` is called when it does again."""

    def send(self, texts: Sequence[bytes]) -> None:
        """Send text messages in one write; may not wait."""
        ...

    def ping(self) -> bool:
        """Send a ping frame (RFC 6455); whether the transport can."""
        ...

    def accept(self, client: Hashable) -> None:
        """The handshake is done: frames cost what those of a known client cost; `client` is who they are, None where unknown."""
        ...

    def resume_receiving(self) -> None:
        """The connection takes messages again (`can_receive`)."""
        ...

    def close(self, frame: CloseFrame | None) -> None:
        """Send a close frame, or just disconnect, and be gone within a second."""
        ...
