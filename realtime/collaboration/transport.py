"""What carries a connection's messages: the ASGI interface of any server, or whatever is quicker where the endpoint is given
that."""

from collections.abc import Awaitable
from typing import Any, Protocol

from starlette.types import Message, Receive, Scope, Send

from transport.write_batch import WriteBatch


class Transport(Protocol):
    """One client's websocket, accepted. `receive` and `send` take and give ASGI's messages."""

    def receive(self) -> Awaitable[Message]:
        """What the client says next; `websocket.disconnect` at the end, and from then on."""
        ...

    def send(self, message: Message, /) -> Awaitable[None]:
        """Send or close; returns when more can be sent. Raises OSError or RuntimeError when the client has gone."""

    def send_now(self, data: bytes, /) -> bool:
        """Send a binary message without waiting, in a burst at its end; False when that is not possible now, and nothing was
        sent."""

    def set_max_message_bytes(self, message_bytes: int, /) -> None:
        """From now on the client may send messages of so many bytes."""

    def release(self) -> None:
        """The connection is served no more: what it holds is given back, soon also when the client does not answer."""


class TransportTakeover(Protocol):
    def __call__(self, scope: Scope, burst: WriteBatch, /) -> Transport | None:
        """Another carrier for a connection that was just accepted, to which the ASGI call then means nothing; None: there is
        none."""


def no_takeover(scope: Any, burst: WriteBatch, /) -> None:
    """Every connection goes on as it came (`TakeOver`)."""


class AsgiTransport:
    """`Carrier` over ASGI, where every message waits for its turn."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self.receive = receive
        self.send = send

    def send_now(self, data: bytes) -> bool:
        return False

    def set_max_message_bytes(self, message_bytes: int) -> None:
        """The server has its own limit."""

    def release(self) -> None:
        """The server does, when the ASGI call returns."""
