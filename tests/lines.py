"""Websocket connections without sockets: what is said to a client is kept, and he reads it or stalls."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import orjson

from domain.actor import Actor
from domain.errors import DomainError
from gateway.http.ports import RequestInfo, allow_introspection, equal_can_replace, no_session_stream
from gateway.persisted.queries import AutomaticPersistedQueries
from gateway.subscriptions.manager import SubscriptionManager
from gateway.websocket.connection import WebSocketConnection
from gateway.websocket.connection_registry import ConnectionRegistry, WebSocketLimits
from gateway.websocket.messages import CloseFrame
from gateway.websocket.subprotocols import TRANSPORT_WS
from persistence.persisted_queries.memory import MemoryTexts
from tests.app import App, Person
from tests.listening import PATIENCE


class Line:
    """A `gateway.websocket.transport.Wire`, and the client at its other end."""

    def __init__(self, host: ConnectionRegistry) -> None:
        self.is_writable = True
        self.said: list[bytes] = []
        self.writes = 0
        self.closed: CloseFrame | None = None
        self._changed = asyncio.Event()
        self.connection = WebSocketConnection(
            host, TRANSPORT_WS, RequestInfo(user_agent=None, ip=None, request_id="r"), None, self
        )

    def send(self, texts: Sequence[bytes]) -> None:
        assert self.is_writable
        self.writes += 1
        self.said += texts
        self._changed.set()

    def ping(self) -> bool:
        return True

    def close(self, frame: CloseFrame | None) -> None:
        self.closed = frame
        self._changed.set()

    def say(self, **frame: Any) -> None:
        """From the client."""
        self.connection.receive(orjson.dumps(frame))

    def stall(self) -> None:
        """The client reads no more, and the buffers are full."""
        self.is_writable = False

    def read(self) -> None:
        """The client reads again."""
        self.is_writable = True
        self.connection.send_queue.on_writable()

    async def hear(self) -> Any:
        """The next thing that is said; the close at the end."""
        async with asyncio.timeout(PATIENCE):
            while not self.said:
                if self.closed is not None:
                    return self.closed
                self._changed.clear()
                await self._changed.wait()
        return orjson.loads(self.said.pop(0))

    async def change(self, id_: str = "1") -> Any:
        """The next change that a subscription is told."""
        frame = await self.hear()
        assert (frame["id"], frame["type"], list(frame["payload"])) == (id_, "next", ["data"]), frame
        (change,) = frame["payload"]["data"].values()
        return change


class Exchange:
    """Connections to the events of an application. Tokens are the ids of people; `ended` those that are no longer good."""

    def __init__(self, app: App, **limits: Any) -> None:
        self.app = app
        self.events = SubscriptionManager(app.executor, app.house.services.hub)
        self.ended: dict[Actor, DomainError] = {}
        self._people: dict[str, Actor] = {}
        self.host = ConnectionRegistry(
            self.events,
            persisted_queries=AutomaticPersistedQueries(MemoryTexts(), max_characters=16 * 1024),
            authenticate=self._authenticate,
            find_revoked=self._ended_among,
            can_replace=equal_can_replace,
            session_stream=no_session_stream,
            open_context=self._open_context,
            may_introspect=allow_introspection,
            limits=WebSocketLimits(**limits),
        )

    async def greeted(self, person: Person) -> Line:
        """A connection that has said hello."""
        line = Line(self.host)
        self._people[person.id] = person.actor
        line.say(type="connection_init", payload={"authorization": person.id})
        assert await line.hear() == {"type": "connection_ack"}
        return line

    async def subscribed(self, person: Person, query: str, **variables: Any) -> Line:
        """A connection with the subscription `1`, which sits in a group."""
        line = await self.greeted(person)
        before = self.seated
        line.say(id="1", type="subscribe", payload={"query": query, "variables": variables})
        async with asyncio.timeout(PATIENCE):
            while self.seated == before:
                await asyncio.sleep(0.001)
        return line

    @property
    def seated(self) -> int:
        """How many subscriptions sit in groups."""
        assert self.events.groups is not None
        return sum(len(group.members) for group in self.events.groups)

    async def _authenticate(self, authorization: str | None) -> Any:
        return self._people[str(authorization)]

    async def _ended_among(self, credentials: Sequence[Any]) -> dict[Any, DomainError]:
        return {each: self.ended[each] for each in credentials if each in self.ended}

    @asynccontextmanager
    async def _open_context(self, credentials: Any, info: RequestInfo) -> AsyncIterator[Any]:
        yield self.app.context(None, credentials)


@asynccontextmanager
async def exchange(app: App, **limits: Any) -> AsyncIterator[Exchange]:
    """An exchange, closed with the block."""
    opened = Exchange(app, **limits)
    try:
        yield opened
    finally:
        for connection in list(opened.host.connections):
            connection.close(None)
        opened.host.stop_timers()
        await opened.events.close()
