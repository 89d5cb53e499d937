"""Holds all open websockets of an endpoint, with the timers and the watch over credentials that they share."""

import asyncio

from gateway.http.credentials import CredentialWatch
from gateway.http.ports import RequestInfo
from gateway.websocket.connection import WebSocketConnection
from gateway.websocket.keepalive import KeepaliveTimers
from gateway.websocket.services import WebSocketServices
from gateway.websocket.subprotocols import Subprotocol
from gateway.websocket.transport import WebSocketTransport
from transport.timeout_queue import READ_GRACE_SECONDS, TimeoutQueue


class ConnectionRegistry:
    """A `gateway.websocket.connection.ConnectionObserver`."""

    def __init__(self, services: WebSocketServices, watch: CredentialWatch) -> None:
        limits = services.limits
        self._services = services
        self._watch = watch
        self._init_timeouts: TimeoutQueue[WebSocketConnection] = TimeoutQueue(
            limits.init_timeout_seconds, WebSocketConnection.on_init_timeout, grace_seconds=READ_GRACE_SECONDS
        )
        self._keepalive: KeepaliveTimers[WebSocketConnection] = KeepaliveTimers(
            ping_interval_seconds=limits.ping_interval_seconds,
            pong_timeout_seconds=limits.pong_timeout_seconds,
            on_dead=WebSocketConnection.on_pong_timeout,
        )
        self.connections: set[WebSocketConnection] = set()
        self.drained = asyncio.Event()
        self.drained.set()

    def open(
        self, subprotocol: Subprotocol, info: RequestInfo, authorization: str | None, transport: WebSocketTransport
    ) -> WebSocketConnection:
        """A new connection over a transport whose handshake is done; `connection_init` is still to come."""
        connection = WebSocketConnection(self._services, self, subprotocol, info, authorization, transport)
        self.connections.add(connection)
        self.drained.clear()
        self._init_timeouts.add(connection)
        return connection

    def on_acknowledged(self, connection: WebSocketConnection) -> None:
        self._keepalive.add(connection)
        self._watch.add(connection)

    def on_ended(self, connection: WebSocketConnection) -> None:
        self.connections.discard(connection)
        self._watch.discard(connection)
        if not self.connections:
            self.drained.set()

    def stop_timers(self) -> None:
        """Stop the timers; connections are neither pinged nor closed any more."""
        self._init_timeouts.stop()
        self._keepalive.stop()
