"""All websockets of an endpoint share their executor, verifier of credentials, limits and timers."""

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.http.credentials import CredentialVerifier, CredentialWatch
from gateway.http.ports import MayIntrospect, OpenContext
from gateway.persisted.queries import PersistedQueries
from gateway.subscriptions.manager import SubscriptionManager
from transport.timeout_queue import TimeoutQueue

if TYPE_CHECKING:
    from gateway.websocket.connection import WebSocketConnection


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSocketLimits:
    """The bounds of one connection; times in seconds."""

    init_timeout_seconds: float = 3.0
    max_operations: int = 20
    max_message_bytes: int = 64 * 1024
    ping_interval_seconds: float = 20.0
    pong_timeout_seconds: float = 20.0
    authentication_timeout_seconds: float = 10.0
    close_timeout_seconds: float = 1.0
    """How long a close frame may take to be written and answered."""


class ConnectionRegistry:
    """Where connections live."""

    def __init__(
        self,
        subscriptions: SubscriptionManager,
        *,
        persisted_queries: PersistedQueries,
        credentials: CredentialVerifier,
        watch: CredentialWatch,
        open_context: OpenContext,
        may_introspect: MayIntrospect,
        limits: WebSocketLimits,
    ) -> None:
        self.subscriptions = subscriptions
        self.persisted_queries = persisted_queries
        self.credentials = credentials
        self.watch = watch
        self.open_context = open_context
        self.may_introspect = may_introspect
        self.limits = limits
        self.connections: set[WebSocketConnection] = set()
        self.drained = asyncio.Event()
        self.drained.set()
        self._init_timeouts: TimeoutQueue[WebSocketConnection] = TimeoutQueue(
            limits.init_timeout_seconds, lambda each: each.on_init_timeout()
        )
        self._ping_timers: TimeoutQueue[WebSocketConnection] = TimeoutQueue(limits.ping_interval_seconds, self._on_ping_due)
        self._pong_timeouts: TimeoutQueue[WebSocketConnection] = TimeoutQueue(
            limits.pong_timeout_seconds, lambda each: each.on_pong_timeout()
        )

    def register(self, connection: "WebSocketConnection") -> None:
        """A client is there, and has yet to say hello."""
        self.connections.add(connection)
        self.drained.clear()
        self._init_timeouts.add(connection)

    def on_authenticated(self, connection: "WebSocketConnection") -> None:
        """A client has said hello."""
        self._ping_timers.add(connection)
        self.watch.add(connection)

    def unregister(self, connection: "WebSocketConnection") -> None:
        """A connection has ended, and all that it had begun."""
        self.connections.discard(connection)
        self.watch.discard(connection)
        if not self.connections:
            self.drained.set()

    def stop_timers(self) -> None:
        """Stop the timers."""
        for each in (self._init_timeouts, self._ping_timers, self._pong_timeouts):
            each.stop()

    def _on_ping_due(self, connection: "WebSocketConnection") -> None:
        if connection.is_closed:
            return
        if connection.on_ping_due():
            self._pong_timeouts.add(connection)
        self._ping_timers.add(connection)
