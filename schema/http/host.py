"""What all websockets of an endpoint share: the executor, who is asking, limits, timers, and the watch over credentials."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from domain.errors import DomainError, Unavailable
from schema.execution.events import Events
from schema.http.deadlines import Deadlines
from schema.http.frames import Close
from schema.http.persisted import KnownQueries
from schema.http.ports import Authenticate, EndedAmong, MayIntrospect, OpenContext, Renews, StillGood

if TYPE_CHECKING:
    from schema.http.connection import Connection

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
        open_context: OpenContext,
        may_introspect: MayIntrospect,
        limits: SocketLimits,
    ) -> None:
        self.events = events
        self.known = known
        self.authenticate = authenticate
        self.renews = renews
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

    def closed(self, connection: "Connection") -> None:
        """A connection has ended, and all that it had begun."""
        self.connections.discard(connection)
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
