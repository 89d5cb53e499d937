"""Serves GraphQL over websockets as a plain ASGI application: who may connect, and how all connections end.

Rejected: Strawberry's handler (one context per socket; malformed frames end in 1006 and a traceback; each subscriber executes
alone).
"""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from typing import Final

from starlette.types import Receive, Scope, Send

from gateway.http.cost_meter import CostMeter
from gateway.http.credentials import CredentialVerifier, CredentialWatch
from gateway.http.origins import AllowedOrigins
from gateway.http.ports import MayIntrospect, OpenContext, allow_introspection
from gateway.http.request_info import authorization, client_ip, request_info
from gateway.persisted.queries import PersistedQueries
from gateway.subscriptions.manager import SubscriptionManager
from gateway.websocket import subprotocols
from gateway.websocket.connection import WebSocketConnection
from gateway.websocket.connection_registry import ConnectionRegistry
from gateway.websocket.services import WebSocketLimits, WebSocketServices
from transport.detach import detach_transport
from transport.message_budget import MessageBudgets, frame_cost
from transport.rfc6455 import TEXT, CloseFrame

_GOING_AWAY: Final = CloseFrame(1001, "The server is going away.")
_RECONNECT_SPREAD_SECONDS: Final = 5.0
"""Over which clients are asked to spread their reconnecting."""
_CLOSES_PER_TURN: Final = 100


class WebSocketEndpoint:
    """The ASGI application behind `/graphql` for websockets."""

    def __init__(
        self,
        subscriptions: SubscriptionManager,
        *,
        persisted_queries: PersistedQueries,
        credentials: CredentialVerifier,
        watch: CredentialWatch,
        open_context: OpenContext,
        origins: AllowedOrigins,
        may_introspect: MayIntrospect = allow_introspection,
        cost_meter: CostMeter | None = None,
        limits: WebSocketLimits | None = None,
    ) -> None:
        self._limits = limits or WebSocketLimits()
        self._subscriptions = subscriptions
        self.budgets = MessageBudgets(self._limits.message_rates)
        self.close_counts: Counter[int] = Counter()
        services = WebSocketServices(
            subscriptions=subscriptions,
            persisted_queries=persisted_queries,
            credentials=credentials,
            open_context=open_context,
            may_introspect=may_introspect,
            cost_meter=cost_meter,
            budgets=self.budgets,
            close_counts=self.close_counts,
            limits=self._limits,
        )
        self.registry = ConnectionRegistry(services, watch)
        self._origins = origins
        self._draining = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers: dict[bytes, bytes] = dict(scope["headers"])
        if (await receive())["type"] != "websocket.connect":
            return
        if self._draining:
            await send({"type": "websocket.accept"})
            await send(_GOING_AWAY.to_asgi_message())
            return
        if not self._origins.allows(headers, scope.get("scheme", "ws")):
            await send({"type": "websocket.close", "code": 4403})  # before accepting: HTTP 403
            return
        subprotocol = subprotocols.select_subprotocol(scope.get("subprotocols", ()))
        if subprotocol is None:
            await send({"type": "websocket.accept"})
            await send(CloseFrame(4406, "Subprotocol not acceptable").to_asgi_message())
            return
        await send({"type": "websocket.accept", "subprotocol": subprotocol.name})
        info, header = request_info(headers, client_ip(scope)), authorization(headers)
        limits = self._limits
        direct = detach_transport(
            scope, TEXT, max_message_bytes=limits.max_message_bytes, close_timeout_seconds=limits.close_timeout_seconds
        )
        if direct is not None:
            connection = self.registry.open(subprotocol, info, header, direct)
            direct.budget = connection.budget
            direct.attach(connection)
            connection.close_if_crowded()
            return
        asgi = AsgiWebSocketTransport(receive, send, close_timeout_seconds=limits.close_timeout_seconds)
        connection = self.registry.open(subprotocol, info, header, asgi)
        connection.close_if_crowded()
        await asgi.run(connection)

    def open_counts(self) -> tuple[int, int]:
        """How many connections are open, and how many operations run on them; from any thread."""
        connections = tuple(self.registry.connections)
        return len(connections), sum(len(each.operations) for each in connections)

    def queued_bytes(self) -> int:
        """How many bytes of messages wait to be written to all connections; from any thread."""
        return sum(each.send_queue.queued_bytes for each in tuple(self.registry.connections))

    async def drain(self, *, timeout_seconds: float = 5.0) -> None:
        """
        Close all connections with 1001, those too that are still opened, and wait until their operations are cleaned up.

        To be called before uvicorn's own shutdown, which would close them with 1012 and not wait.
        """
        self._draining = True
        for count, connection in enumerate(list(self.registry.connections), 1):
            connection.close_going_away(_GOING_AWAY, random.uniform(0, _RECONNECT_SPREAD_SECONDS))  # noqa: S311 (no secret)
            if count % _CLOSES_PER_TURN == 0:
                await asyncio.sleep(0)
        try:
            async with asyncio.timeout(timeout_seconds):
                await self.registry.drained.wait()
        except TimeoutError:
            pass
        self.registry.stop_timers()
        await self._subscriptions.close()


class AsgiWebSocketTransport:
    """A `gateway.websocket.transport.WebSocketTransport` over any ASGI server: one task that reads, and one that writes."""

    def __init__(self, receive: Receive, send: Send, *, close_timeout_seconds: float) -> None:
        self._receive = receive
        self._send = send
        self._close_timeout_seconds = close_timeout_seconds
        self._outgoing: list[bytes] = []
        self._has_outgoing = asyncio.Event()
        self._close_future: asyncio.Future[CloseFrame | None] = asyncio.get_running_loop().create_future()
        self.is_writable = True

    async def run(self, connection: WebSocketConnection) -> None:
        """Serve a connection until it ends."""
        async with asyncio.TaskGroup() as tasks:
            own = [tasks.create_task(each) for each in (self._read(connection), self._write(connection))]
            try:
                frame = await self._close_future
                own[1].cancel()
                if frame is not None:
                    await self._send_close(frame)
            finally:
                connection.close(None)
                for task in own:
                    task.cancel()

    def send(self, texts: Sequence[bytes]) -> None:
        self._outgoing = list(texts)
        self.is_writable = False
        self._has_outgoing.set()

    def ping(self) -> bool:
        return False  # ASGI has no ping frames

    def pause_reading(self) -> None:
        """Reading waits for the send queue by itself."""

    def resume_reading(self) -> None:
        """Reading waits for the send queue by itself."""

    def mark_authenticated(self) -> None:
        """The server has its own limit of connections."""

    def close(self, frame: CloseFrame | None) -> None:
        if not self._close_future.done():
            self._close_future.set_result(frame)

    async def _read(self, connection: WebSocketConnection) -> None:
        while True:
            if not connection.send_queue.has_capacity:
                await connection.send_queue.drained()
            message = await self._receive()
            if message["type"] != "websocket.receive":
                connection.close(None)
                return
            text = message.get("text")
            if text is None:
                connection.on_wrong_opcode()
                return
            if not connection.budget.take(frame_cost(len(text))):
                connection.close(connection.on_rate_exceeded())
                return
            connection.on_message(text.encode())
            await asyncio.sleep(0)  # the server may have read many messages at once: others have their turn

    async def _write(self, connection: WebSocketConnection) -> None:
        try:
            while True:
                await self._has_outgoing.wait()
                self._has_outgoing.clear()
                while self._outgoing:
                    await self._send({"type": "websocket.send", "text": self._outgoing[0].decode()})
                    del self._outgoing[0]
                self.is_writable = True
                connection.on_writable()
        except OSError:
            connection.close(None)

    async def _send_close(self, frame: CloseFrame) -> None:
        try:
            async with asyncio.timeout(self._close_timeout_seconds):
                for text in self._outgoing:
                    await self._send({"type": "websocket.send", "text": text.decode()})
                await self._send(frame.to_asgi_message())
        except (TimeoutError, OSError, RuntimeError):
            return  # the client is stalled or gone: the server drops the connection when this call returns
