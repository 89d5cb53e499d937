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
from gateway.http.ports import Authenticate, EndedAmong, MayIntrospect, OpenContext, Renews, StillGood, StreamOf
from gateway.persisted.queries import KnownQueries
from gateway.subscriptions.manager import Events
from gateway.websocket.messages import Close
from realtime.feed import StreamFeed
from realtime.hub import StreamHub
from transport.timeout_queue import Deadlines

if TYPE_CHECKING:
    from gateway.websocket.connection import Connection

_LOOKED_AT = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketLimits:
    """The bounds of one connection; times in seconds."""

    init: float = 3.0
    operations: int = 20
    message_bytes: int = 64 * 1024
    ping_every: float = 20.0
    pong_within: float = 20.0
    sign_in: float = 10.0
    look_again: float = 4.0
    """How often it is asked whether clients' credentials are still good."""
    farewell: float = 1.0
    """How long a close frame may take to be written and answered."""


class Host:
    """Where connections live."""

    def __init__(
        self,
        events: Events,
        *,
        known: KnownQueries,
        authenticate: Authenticate,
        ended_among: EndedAmong,
        renews: Renews,
        stream_of: StreamOf,
        open_context: OpenContext,
        may_introspect: MayIntrospect,
        limits: SocketLimits,
    ) -> None:
        self.events = events
        self.known = known
        self.authenticate = authenticate
        self.renews = renews
        self._stream_of = stream_of
        self._bells: dict[str, Bell] = {}
        self.open_context = open_context
        self.may_introspect = may_introspect
        self.limits = limits
        self.connections: set[Connection] = set()
        self.empty = asyncio.Event()
        self.empty.set()
        self._ended_among = ended_among
        self._hellos: Deadlines[Connection] = Deadlines(limits.init, lambda each: each.expect_hello())
        self._beats: Deadlines[Connection] = Deadlines(limits.ping_every, self._beat)
        self._signs: Deadlines[Connection] = Deadlines(limits.pong_within, lambda each: each.expect_life())
        self._watching = False

    def opened(self, connection: "Connection") -> None:
        """A client is there, and has yet to say hello."""
        self.connections.add(connection)
        self.empty.clear()
        self._hellos.add(connection)
        if not self._watching:
            self._watching = True
            self.events.tasks.start(self._watch(), "websockets: credentials")

    def greeted(self, connection: "Connection") -> None:
        """A client has said hello."""
        self._beats.add(connection)
        stream = self._stream_of(connection.credentials)
        if stream is not None and (groups := self.events.groups) is not None:
            bell = self._bells.get(stream)
            if bell is None:
                bell = self._bells[stream] = Bell(groups.hub.feed_for(stream), self._rung)
            bell.connections.add(connection)

    def closed(self, connection: "Connection") -> None:
        """A connection has ended, and all that it had begun."""
        self.connections.discard(connection)
        stream = self._stream_of(connection.credentials)
        if stream is not None and (bell := self._bells.get(stream)) is not None:
            bell.connections.discard(connection)
            if not bell.connections and self.events.groups is not None:
                del self._bells[stream]
                bell.unhang(self.events.groups.hub)
        if not self.connections:
            self.empty.set()

    def stop(self) -> None:
        """Stop the timers."""
        for each in (self._hellos, self._beats, self._signs):
            each.stop()

    def _beat(self, connection: "Connection") -> None:
        if connection.has_ended:
            return
        if connection.beat():
            self._signs.add(connection)
        self._beats.add(connection)

    def _rung(self, bell: "Bell") -> None:
        self.events.tasks.start(self.look(list(bell.connections)), "websockets: a session has ended")

    async def _watch(self) -> None:
        """Hang up when clients' credentials end: what they listen to would go on for as long as they stay."""
        while True:
            await asyncio.sleep(self.limits.look_again)
            await self.look([each for each in self.connections if each.credentials is not None])

    async def look(self, connections: Sequence["Connection"]) -> None:
        """Hang up on those of the connections whose credentials have ended."""
        for start in range(0, len(connections), _LOOKED_AT):
            some = connections[start : start + _LOOKED_AT]
            asked = [each.credentials for each in some]
            try:
                ended = await self._ended_among(asked)
            except Unavailable:
                return
            for connection, credentials in zip(some, asked, strict=True):
                reason = ended.get(credentials)
                if reason is not None and connection.credentials is credentials:
                    connection.end(Close(4403, reason.code))


class Bell:
    """Rings when a user's stream tells that a session, or the account, is over: a `realtime.feed.Follower`."""

    __slots__ = ("_feed", "_ring", "connections")

    def __init__(self, feed: StreamFeed, ring: Callable[["Bell"], None]) -> None:
        self._feed = feed
        self._ring = ring
        self.connections: set[Connection] = set()
        feed.reference_count += 1
        feed.followers.add(self)

    def offer(self, entry: Entry, size: int, *, is_backfill: bool) -> None:
        if entry.entity_type in ("Session", "User"):
            self._ring(self)

    def expire(self) -> None:
        self._ring(self)

    def unhang(self, hub: StreamHub) -> None:
        """Ring no more."""
        self._feed.followers.discard(self)
        hub.release(self._feed)


def one_by_one(still_good: StillGood) -> EndedAmong:
    """Ask about credentials one after another."""

    async def ended_among(credentials: Sequence[Any]) -> Mapping[Any, DomainError]:
        found: dict[Any, DomainError] = {}
        for each in credentials:
            try:
                await still_good(each)
            except Unavailable:
                continue
            except DomainError as error:
                found[each] = error
        return found

    return ended_among
