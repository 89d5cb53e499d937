"""Carries a connection's messages: the ASGI interface of any server, or a faster transport where the endpoint is given one."""

from collections.abc import Awaitable
from typing import Any, Protocol

from starlette.types import Message, Receive, Scope, Send

from transport.message_gate import MessageGate
from transport.write_batch import WriteBatch


class Transport(Protocol):
    """One client's websocket, accepted. `receive` and `send` use ASGI's messages."""

    def receive(self) -> Awaitable[Message]:
        """The client's next message; `websocket.disconnect` at the end, and from then on."""
        ...

    def send(self, message: Message, /) -> Awaitable[None]:
        """Send or close; returns when more can be sent. Raises OSError or RuntimeError when the client has gone."""

    def send_now(self, data: bytes, /) -> bool:
        """Send a binary message without waiting, with the write batch that is open; False when that is not possible now."""

    def mark_authenticated(self) -> None:
        """The client has signed in; strangers' connections are closed before theirs when there are too many."""

    def set_max_message_bytes(self, message_bytes: int, /) -> None:
        """Accept messages of so many bytes from now on."""

    def release(self) -> None:
        """The connection is served no more: free what it holds, soon also when the client does not answer."""


class TransportTakeover(Protocol):
    def __call__(self, scope: Scope, batch: WriteBatch, gate: MessageGate, /) -> Transport | None:
        """Another transport for a connection that was just accepted, whose ASGI call then means nothing; None where there is
        none."""


def no_takeover(scope: Any, batch: WriteBatch, gate: MessageGate, /) -> None:
    """Every connection stays with ASGI (`TransportTakeover`)."""


class AsgiTransport:
    """A transport over ASGI, where every message waits for its turn."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self.receive = receive
        self.send = send

    def send_now(self, data: bytes) -> bool:
        return False

    def mark_authenticated(self) -> None:
        """The server has its own limit of connections."""

    def set_max_message_bytes(self, message_bytes: int) -> None:
        """The server has its own limit."""

    def release(self) -> None:
        """The server frees the connection when the ASGI call returns."""
