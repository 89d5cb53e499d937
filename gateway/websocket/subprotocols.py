"""The two protocols of GraphQL over websockets: `graphql-transport-ws`, and `graphql-ws`, which came before and is still spoken.

The older one (subscriptions-transport-ws; what Apollo Kotlin speaks unless told otherwise) has other names for the same messages,
no pings but a keep-alive (`ka`) that nobody answers, and one object where the newer one has a list of errors: it is given the
first error with all of them beside it, which every client of that time reads. Its clients begin operations in the same breath as
they say hello.

In both a client may renew its token without subscribing anew. In the newer protocol it sends a `ping` whose payload has an
`authorization`: pings with any payload are part of the protocol, so stock clients can send one (graphql-ws: on the socket that
`on.opened` gives) and every proxy lets it pass; a second `connection_init` would have to be answered with 4429. The `pong` says
whether the token was taken. In the older protocol a second `connection_init` was never forbidden: it is the way there, and is
acknowledged again.
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


class Subprotocol(Protocol):
    """How messages are written, and what else differs."""

    name: str
    ack_messages: Sequence[bytes]
    client_waits_for_ack: bool
    """Whether clients wait for the greeting before they begin anything."""
    allows_reinit: bool
    """Whether a second hello renews the token."""
    ping_message: bytes
    """What is sent now and then, to see whether the client is there."""
    expects_pong: bool
    """Whether clients answer that."""

    def parse(self, raw: bytes) -> ClientMessage:
        """Raises `Malformed`."""
        ...

    def next_prefix(self, id_: str) -> bytes:
        """What stands before the payload of an answer; a closing brace stands behind it."""
        ...

    def error(self, id_: str, errors: Sequence[FormattedError]) -> bytes: ...
    def complete(self, id_: str) -> bytes: ...
    def connection_error(self, code: str) -> bytes | None:
        """What is said before hanging up on a client whose hello was refused."""
        ...


class _TransportWs:
    name = "graphql-transport-ws"
    ack_messages: Sequence[bytes] = (b'{"type":"connection_ack"}',)
    client_waits_for_ack = True
    allows_reinit = False
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
    """The newest of the protocols that a client offers."""
    return next((dialect for name, dialect in SUBPROTOCOLS.items() if name in offered), None)


def ping_message(payload: Mapping[str, Any]) -> bytes:
    """A ping that tells something."""
    return encode({"type": "ping", "payload": payload})


def pong_message(payload: Mapping[str, Any] | None) -> bytes:
    """The reply to a ping, with its payload."""
    return encode({"type": "pong"} if payload is None else {"type": "pong", "payload": payload})
