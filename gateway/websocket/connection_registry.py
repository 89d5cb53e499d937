"""What all websockets of an endpoint share: the executor, who is asking, limits, timers, and the watch over credentials.

That a session was ended is told in its user's stream, so whoever came in with it is let go within the time of an announcement, on
every process. What no announcement tells (a token's time is over, an announcement was lost) is found by asking every few seconds,
in one question for all.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from domain.errors import DomainError, Unavailable
from domain.events import Entry
from gateway.http.ports import Authenticate, CanReplace, CheckActive, FindRevoked, MayIntrospect, OpenContext, SessionStream
from gateway.persisted.queries import PersistedQueries
from gateway.subscriptions.manager import SubscriptionManager
from gateway.websocket.messages import CloseFrame
from realtime.feed import StreamFeed
from realtime.hub import StreamHub
from transport.timeout_queue import TimeoutQueue

if TYPE_CHECKING:
    from gateway.websocket.connection import WebSocketConnection

_MAX_BATCH_CREDENTIALS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSocketLimits:
    """The bounds of one connection; times in seconds."""

    init_timeout_seconds: float = 3.0
    max_operations: int = 20
    max_message_bytes: int = 64 * 1024
    ping_interval_seconds: float = 20.0
    pong_timeout_seconds: float = 20.0
    authentication_timeout_seconds: float = 10.0
    credential_check_seconds: float = 4.0
    """How often it is asked whether clients' credentials are still good."""
    close_timeout_seconds: float = 1.0
    """How long a close frame may take to be written and answered."""


class ConnectionRegistry:
    """Where connections live."""

    def __init__(
        self,
        subscriptions: SubscriptionManager,
        *,
        persisted_queries: PersistedQueries,
        authenticate: Authenticate,
        find_revoked: FindRevoked,
        can_replace: CanReplace,
        session_stream: SessionStream,
        open_context: OpenContext,
        may_introspect: MayIntrospect,
        limits: WebSocketLimits,
    ) -> None:
        self.subscriptions = subscriptions
        self.persisted_queries = persisted_queries
        self.authenticate = authenticate
        self.can_replace = can_replace
        self._session_stream = session_stream
        self._session_listeners: dict[str, SessionEndListener] = {}
        self.open_context = open_context
        self.may_introspect = may_introspect
        self.limits = limits
        self.connections: set[WebSocketConnection] = set()
        self.drained = asyncio.Event()
        self.drained.set()
        self._find_revoked = find_revoked
        self._init_timeouts: TimeoutQueue[WebSocketConnection] = TimeoutQueue(
            limits.init_timeout_seconds, lambda each: each.on_init_timeout()
        )
        self._ping_timers: TimeoutQueue[WebSocketConnection] = TimeoutQueue(limits.ping_interval_seconds, self._on_ping_due)
        self._pong_timeouts: TimeoutQueue[WebSocketConnection] = TimeoutQueue(
            limits.pong_timeout_seconds, lambda each: each.on_pong_timeout()
        )
        self._checks_started = False

    def register(self, connection: "WebSocketConnection") -> None:
        """A client is there, and has yet to say hello."""
        self.connections.add(connection)
        self.drained.clear()
        self._init_timeouts.add(connection)
        if not self._checks_started:
            self._checks_started = True
            self.subscriptions.tasks.start(self._check_periodically(), "websockets: credentials")

    def on_authenticated(self, connection: "WebSocketConnection") -> None:
        """A client has said hello."""
        self._ping_timers.add(connection)
        stream = self._session_stream(connection.credentials)
        if stream is not None and (groups := self.subscriptions.groups) is not None:
            bell = self._session_listeners.get(stream)
            if bell is None:
                bell = self._session_listeners[stream] = SessionEndListener(groups.hub.feed_for(stream), self._on_session_end)
            bell.connections.add(connection)

    def unregister(self, connection: "WebSocketConnection") -> None:
        """A connection has ended, and all that it had begun."""
        self.connections.discard(connection)
        stream = self._session_stream(connection.credentials)
        if stream is not None and (bell := self._session_listeners.get(stream)) is not None:
            bell.connections.discard(connection)
            if not bell.connections and self.subscriptions.groups is not None:
                del self._session_listeners[stream]
                bell.detach(self.subscriptions.groups.hub)
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

    def _on_session_end(self, listener: "SessionEndListener") -> None:
        self.subscriptions.tasks.start(self.check_credentials(list(listener.connections)), "websockets: a session has ended")

    async def _check_periodically(self) -> None:
        """Hang up when clients' credentials end: what they listen to would go on for as long as they stay."""
        while True:
            await asyncio.sleep(self.limits.credential_check_seconds)
            await self.check_credentials([each for each in self.connections if each.credentials is not None])

    async def check_credentials(self, connections: Sequence["WebSocketConnection"]) -> None:
        """Hang up on those of the connections whose credentials have ended."""
        for start in range(0, len(connections), _MAX_BATCH_CREDENTIALS):
            some = connections[start : start + _MAX_BATCH_CREDENTIALS]
            asked = [each.credentials for each in some]
            try:
                ended = await self._find_revoked(asked)
            except Unavailable:
                return
            for connection, credentials in zip(some, asked, strict=True):
                reason = ended.get(credentials)
                if reason is not None and connection.credentials is credentials:
                    connection.close(CloseFrame(4403, reason.code))


class SessionEndListener:
    """Rings when a user's stream tells that a session, or the account, is over: a `realtime.feed.Follower`."""

    __slots__ = ("_feed", "_on_end", "connections")

    def __init__(self, feed: StreamFeed, on_end: Callable[["SessionEndListener"], None]) -> None:
        self._feed = feed
        self._on_end = on_end
        self.connections: set[WebSocketConnection] = set()
        feed.reference_count += 1
        feed.followers.add(self)

    def offer(self, entry: Entry, size: int, *, is_backfill: bool) -> None:
        if entry.entity_type in ("Session", "User"):
            self._on_end(self)

    def expire(self) -> None:
        self._on_end(self)

    def detach(self, hub: StreamHub) -> None:
        """Ring no more."""
        self._feed.followers.discard(self)
        hub.release(self._feed)


def check_each(check_active: CheckActive) -> FindRevoked:
    """Ask about credentials one after another."""

    async def ended_among(credentials: Sequence[Any]) -> Mapping[Any, DomainError]:
        found: dict[Any, DomainError] = {}
        for each in credentials:
            try:
                await check_active(each)
            except Unavailable:
                continue
            except DomainError as error:
                found[each] = error
        return found

    return ended_among
