"""What a direct websocket asks of the owner of its messages."""

from typing import Protocol

from transport.rfc6455 import CloseFrame


class MessageReceiver(Protocol):
    """The owner of a connection's messages. It is called from the event loop, and never again after `close(None)`."""

    def on_message(self, payload: bytes, /) -> None:
        """A message of the opcode that the connection was made for."""

    def on_wrong_opcode(self) -> None:
        """A text message where binary is spoken, or the other way round."""

    def on_pong(self) -> None:
        """The client answered a ping."""

    def on_writable(self) -> None:
        """The client reads again: more can be sent."""

    def on_rate_exceeded(self) -> CloseFrame | None:
        """The client sends more messages than it may: how the connection ends; None: with 1008."""

    def close(self, frame: CloseFrame | None, /) -> None:
        """The connection ends by itself, with this close frame, or without one because the client is gone."""
