"""Finds connections whose client is gone, and none whose client is there.

Each connection is pinged every 20 s. A ping has a deadline of its own (15 s), which only its own answer has to meet: a deadline
that passes says nothing of a later ping. Whatever the client sends counts as an answer. A client that is still reading what was
sent before the ping has not been reached by it: while the transport takes no more, the deadline is put off once, and progress
counts as an answer. In `graphql-transport-ws` the ping is a message; in `graphql-ws`, which has none, it is a ping frame of the
websocket itself (RFC 6455), which every client's library answers.
"""

from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from gateway.websocket.send_queue import SendQueue
from gateway.websocket.subprotocols import Subprotocol
from gateway.websocket.transport import WebSocketTransport
from transport.timeout_queue import READ_GRACE_SECONDS, TimeoutQueue


class Keepalive:
    """The pings of one connection."""

    __slots__ = ("_pings_sent", "_send_queue", "_subprotocol", "_transport", "_unanswered_ping", "_waits_for_progress")

    def __init__(self, subprotocol: Subprotocol, transport: WebSocketTransport, send_queue: SendQueue) -> None:
        self._subprotocol = subprotocol
        self._transport = transport
        self._send_queue = send_queue
        self._pings_sent = 0
        self._unanswered_ping = 0  # its number; 0: none
        self._waits_for_progress = False

    def on_message(self) -> None:
        """The client has sent a message."""
        self._unanswered_ping = 0

    def on_pong_frame(self) -> None:
        """The client's library has answered a ping frame; where the protocol has pings, the client itself has to."""
        if not self._subprotocol.expects_pong:
            self._unanswered_ping = 0

    def on_progress(self) -> None:
        """The transport takes more again, so the client reads."""
        if self._waits_for_progress:
            self._unanswered_ping = 0
            self._waits_for_progress = False

    def send_ping(self) -> int:
        """Ping the client. The number of the ping, if it has to be answered and no earlier one has."""
        if self._unanswered_ping:
            return 0
        self._pings_sent += 1
        self._send_queue.put(self._subprotocol.ping_message)
        self._waits_for_progress = not self._transport.is_writable
        if self._subprotocol.expects_pong or self._transport.ping() or self._waits_for_progress:
            self._unanswered_ping = self._pings_sent
        return self._unanswered_ping

    def is_unanswered(self, ping: int) -> bool:
        """Whether this ping still waits for its answer."""
        return self._unanswered_ping == ping

    def put_off(self) -> bool:
        """Whether the deadline is put off, because the client is still reading what was sent before; at most once a ping."""
        if self._waits_for_progress or self._transport.is_writable:
            return False
        self._waits_for_progress = True
        return True


class PingedConnection(Protocol):
    """A connection, as its timers see it."""

    @property
    def is_closed(self) -> bool: ...

    keepalive: Keepalive


C = TypeVar("C", bound=PingedConnection)


class KeepaliveTimers(Generic[C]):
    """When the connections of an endpoint are pinged and when they must have answered, in two timers for all of them."""

    def __init__(self, *, ping_interval_seconds: float, pong_timeout_seconds: float, on_dead: Callable[[C], None]) -> None:
        """`on_dead` is called with a connection that has not answered in time."""
        self._on_dead = on_dead
        self._pings: TimeoutQueue[C] = TimeoutQueue(ping_interval_seconds, self._on_ping_due)
        self._deadlines: TimeoutQueue[tuple[C, int]] = TimeoutQueue(
            pong_timeout_seconds, self._on_deadline, grace_seconds=READ_GRACE_SECONDS
        )

    def add(self, connection: C) -> None:
        """Ping a connection from now on, until it is closed."""
        self._pings.add(connection)

    def stop(self) -> None:
        """Ping nobody any more."""
        self._pings.stop()
        self._deadlines.stop()

    def _on_ping_due(self, connection: C) -> None:
        if connection.is_closed:
            return
        if ping := connection.keepalive.send_ping():
            self._deadlines.add((connection, ping))
        self._pings.add(connection)

    def _on_deadline(self, item: tuple[C, int]) -> None:
        connection, ping = item
        if connection.is_closed or not connection.keepalive.is_unanswered(ping):
            return
        if connection.keepalive.put_off():
            self._deadlines.add(item)
        else:
            self._on_dead(connection)
