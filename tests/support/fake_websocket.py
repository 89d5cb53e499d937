"""Websocket connections without sockets: messages to a client are recorded, and it reads them or stalls."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import orjson

from domain.actor import Actor
from domain.errors import DomainError
from gateway.http.credentials import CredentialWatch
from gateway.http.ports import RequestInfo, allow_introspection
from gateway.persisted.queries import AutomaticPersistedQueries
from gateway.subscriptions.manager import SubscriptionManager
from gateway.websocket.connection_registry import ConnectionRegistry
from gateway.websocket.services import WebSocketLimits, WebSocketServices
from gateway.websocket.subprotocols import TRANSPORT_WS, Subprotocol
from persistence.persisted_queries.memory import MemoryTexts
from tests.support.app import App, Person
from tests.support.credentials import SampleCredentials
from tests.support.subscriptions import RESULT_TIMEOUT_SECONDS
from transport.message_budget import MessageBudgets
from transport.rfc6455 import CloseFrame


class FakeWebSocket:
    """A `gateway.websocket.transport.WebSocketTransport`, and the client at its other end."""

    def __init__(self, registry: ConnectionRegistry, subprotocol: Subprotocol = TRANSPORT_WS) -> None:
        self.is_writable = True
        self.sent: list[bytes] = []
        self.write_count = 0
        self.ping_frames = 0
        self.close_frame: CloseFrame | None = None
        self.is_reading = True
        self._changed = asyncio.Event()
        self.connection = registry.open(subprotocol, RequestInfo(user_agent=None, ip=None, request_id="r"), None, self)

    def send(self, texts: Sequence[bytes]) -> None:
        assert self.is_writable
        self.write_count += 1
        self.sent += texts
        self._changed.set()

    def ping(self) -> bool:
        self.ping_frames += 1
        return True

    def pause_reading(self) -> None:
        self.is_reading = False

    def resume_reading(self) -> None:
        self.is_reading = True

    def mark_authenticated(self) -> None:
        """There are never too many of them here."""

    def close(self, frame: CloseFrame | None) -> None:
        self.close_frame = frame
        self._changed.set()

    def send_from_client(self, **frame: Any) -> None:
        """From the client."""
        self.connection.on_message(orjson.dumps(frame))

    def stop_reading(self) -> None:
        """The client reads no more, and the buffers are full."""
        self.is_writable = False

    def start_reading(self) -> None:
        """The client reads again."""
        self.is_writable = True
        self.connection.on_writable()

    async def next_message(self) -> Any:
        """The next thing that is said; the close at the end."""
        async with asyncio.timeout(RESULT_TIMEOUT_SECONDS):
            while not self.sent:
                if self.close_frame is not None:
                    return self.close_frame
                self._changed.clear()
                await self._changed.wait()
        return orjson.loads(self.sent.pop(0))

    async def next_change(self, id_: str = "1") -> Any:
        """The next change that a subscription receives."""
        frame = await self.next_message()
        assert (frame["id"], frame["type"], list(frame["payload"])) == (id_, "next", ["data"]), frame
        (change,) = frame["payload"]["data"].values()
        return change


class FakeWebSocketServer:
    """Connections to the events of an application. Tokens are the ids of people; `ended` those that are no longer good."""

    def __init__(self, app: App, *, credential_check_seconds: float = 4.0, **limits: Any) -> None:
        self.app = app
        self.subscriptions = SubscriptionManager(app.executor, app.resources.services.hub)
        self.revoked: dict[Actor, DomainError] = {}
        self._people: dict[str, Actor] = {}
        verifier = SampleCredentials(self._authenticate, self._check_active)
        self.watch = CredentialWatch(
            verifier, self.subscriptions.tasks, app.resources.services.hub, interval_seconds=credential_check_seconds
        )
        services = WebSocketServices(
            subscriptions=self.subscriptions,
            persisted_queries=AutomaticPersistedQueries(MemoryTexts(), max_characters=16 * 1024),
            credentials=verifier,
            open_context=self._open_context,
            may_introspect=allow_introspection,
            budgets=MessageBudgets(),
            close_counts=Counter(),
            limits=WebSocketLimits(**limits),
        )
        self.registry = ConnectionRegistry(services, self.watch)

    async def connect(self, person: Person) -> FakeWebSocket:
        """A connection that has said hello."""
        line = FakeWebSocket(self.registry)
        self._people[person.id] = person.actor
        line.send_from_client(type="connection_init", payload={"authorization": person.id})
        assert await line.next_message() == {"type": "connection_ack"}
        return line

    async def subscribe(self, person: Person, query: str, **variables: Any) -> FakeWebSocket:
        """A connection with the subscription `1`, which sits in a group."""
        line = await self.connect(person)
        before = self.membership_count
        line.send_from_client(id="1", type="subscribe", payload={"query": query, "variables": variables})
        async with asyncio.timeout(RESULT_TIMEOUT_SECONDS):
            while self.membership_count == before:
                await asyncio.sleep(0.001)
        return line

    @property
    def membership_count(self) -> int:
        """How many subscriptions sit in groups."""
        assert self.subscriptions.groups is not None
        return sum(len(group.members) for group in self.subscriptions.groups)

    async def _authenticate(self, authorization: str | None) -> Any:
        return self._people[str(authorization)]

    async def _check_active(self, credentials: Any) -> None:
        if credentials in self.revoked:
            raise self.revoked[credentials]

    @asynccontextmanager
    async def _open_context(self, credentials: Any, info: RequestInfo) -> AsyncIterator[Any]:
        yield self.app.context(None, credentials)


@asynccontextmanager
async def websocket_server(app: App, **limits: Any) -> AsyncIterator[FakeWebSocketServer]:
    """An exchange, closed with the block."""
    opened = FakeWebSocketServer(app, **limits)
    try:
        yield opened
    finally:
        for connection in list(opened.registry.connections):
            connection.close(None)
        opened.registry.stop_timers()
        await opened.subscriptions.close()
