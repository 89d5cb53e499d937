"""Reads and writes the two protocols of GraphQL over websockets: `graphql-transport-ws`, and its predecessor `graphql-ws`.

The older one (of subscriptions-transport-ws; the default of Apollo Kotlin) has other names for the same messages, no pings but a
keep-alive (`ka`) that nobody answers, and one object where the newer one has a list of errors: the first error with all of them
beside it, which every client of that time reads. Its clients may start operations before their `connection_init` is acknowledged,
and an operation that is started under the id of another takes its place, as in that protocol's reference server.

In both a client can renew its token without subscribing again. In the newer protocol it sends a `ping` whose payload has an
`authorization`: pings with any payload are part of the protocol, so stock clients can send one (graphql-ws: on the socket that
`on.opened` gives) and every proxy forwards it; a second `connection_init` must be answered with 4429. The payload of the `pong`
says whether the token was accepted. In the older protocol a second `connection_init` was never forbidden: it renews the token
there, and is acknowledged again.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

import orjson

from gateway.execution.encoding import encode
from gateway.execution.errors import FormattedError
from gateway.websocket.messages import (
    ClientMessage,
    Complete,
    ConnectionInit,
    ConnectionTerminate,
    InvalidMessage,
    Subscribe,
    operation_id,
    operation_request,
    optional_payload,
    parse_envelope,
    parse_message,
)
from transport.rfc6455 import CloseFrame


class Subprotocol(Protocol):
    """How messages are read and written, and what else differs."""

    name: str
    ack_messages: Sequence[bytes]
    client_waits_for_ack: bool
    """Whether clients wait for the greeting before they begin anything."""
    allows_reinit: bool
    """Whether a second `connection_init` renews the token."""
    replaces_operations: bool
    """Whether an operation may be started under the id of another, which then ends."""
    ping_message: bytes
    """What is sent regularly, to find out whether the client is there."""
    expects_pong: bool
    """Whether clients answer it."""
    flood_close: CloseFrame
    """How a connection ends whose client sends more messages than it may."""
    crowd_close: CloseFrame
    """How a connection ends whose client has more connections than it may."""

    def parse(self, raw: bytes) -> ClientMessage:
        """Raises `InvalidMessage`."""
        ...

    def next_prefix(self, id_: str) -> bytes:
        """What precedes the payload of a result; a closing brace follows it."""
        ...

    def error(self, id_: str, errors: Sequence[FormattedError]) -> bytes: ...
    def complete(self, id_: str) -> bytes: ...
    def connection_error(self, code: str) -> bytes | None:
        """The message that a refused client is sent before the connection closes; None where the protocol has none."""
        ...


class _TransportWs:
    name = "graphql-transport-ws"
    ack_messages: Sequence[bytes] = (b'{"type":"connection_ack"}',)
    client_waits_for_ack = True
    allows_reinit = False
    replaces_operations = False
    flood_close = CloseFrame(4429, "Too many messages")
    crowd_close = CloseFrame(4429, "Too many connections")
    ping_message = b'{"type":"ping"}'
    expects_pong = True

    def parse(self, raw: bytes) -> ClientMessage:
        return parse_message(raw)

    def next_prefix(self, id_: str) -> bytes:
        return b'{"id":%b,"type":"next","payload":' % orjson.dumps(id_)

    def error(self, id_: str, errors: Sequence[FormattedError]) -> bytes:
        payload = encode({"errors": errors})[len(b'{"errors":') : -1]
        return b'{"id":%b,"type":"error","payload":%b}' % (orjson.dumps(id_), payload)

    def complete(self, id_: str) -> bytes:
        return b'{"id":%b,"type":"complete"}' % orjson.dumps(id_)

    def connection_error(self, code: str) -> bytes | None:
        return None


class _LegacyGraphqlWs:
    name = "graphql-ws"
    ack_messages: Sequence[bytes] = (b'{"type":"connection_ack"}', b'{"type":"ka"}')
    client_waits_for_ack = False
    allows_reinit = True
    replaces_operations = True
    flood_close = CloseFrame(1008, "Too many messages")
    crowd_close = CloseFrame(1008, "Too many connections")
    ping_message = b'{"type":"ka"}'
    expects_pong = False

    def parse(self, raw: bytes) -> ClientMessage:
        kind, frame = parse_envelope(raw)
        match kind:
            case "connection_init":
                return ConnectionInit(optional_payload(frame) or {})
            case "start":
                return Subscribe(operation_id(frame), operation_request(frame), raw)
            case "stop":
                return Complete(operation_id(frame))
            case "connection_terminate":
                return ConnectionTerminate()
        raise InvalidMessage("A message has an unknown type.")

    def next_prefix(self, id_: str) -> bytes:
        return b'{"id":%b,"type":"data","payload":' % orjson.dumps(id_)

    def error(self, id_: str, errors: Sequence[FormattedError]) -> bytes:
        payload = encode({**errors[0], "errors": errors})
        return b'{"id":%b,"type":"error","payload":%b}' % (orjson.dumps(id_), payload)

    def complete(self, id_: str) -> bytes:
        return b'{"id":%b,"type":"complete"}' % orjson.dumps(id_)

    def connection_error(self, code: str) -> bytes | None:
        return b'{"type":"connection_error","payload":%b}' % orjson.dumps({"message": code, "extensions": {"code": code}})


TRANSPORT_WS: Final[Subprotocol] = _TransportWs()
GRAPHQL_WS: Final[Subprotocol] = _LegacyGraphqlWs()
SUBPROTOCOLS: Final[Mapping[str, Subprotocol]] = {each.name: each for each in (TRANSPORT_WS, GRAPHQL_WS)}


def select_subprotocol(offered: Sequence[str]) -> Subprotocol | None:
    """The newer of the protocols that a client offers."""
    return next((each for name, each in SUBPROTOCOLS.items() if name in offered), None)


def ping_message(payload: Mapping[str, Any]) -> bytes:
    """A ping with a payload."""
    return encode({"type": "ping", "payload": payload})


def pong_message(payload: Mapping[str, Any] | None) -> bytes:
    """The reply to a ping, with its payload."""
    return encode({"type": "pong"} if payload is None else {"type": "pong", "payload": payload})
