"""GraphQL over websockets, as a plain ASGI application: who may connect, and how all connections end.

Rejected: Strawberry's handler (one context per socket, malformed frames end in 1006 and a traceback; each subscriber executes
alone).
"""

import asyncio
import random
from collections.abc import Sequence

from starlette.types import Receive, Scope, Send

from gateway.http.origins import AllowedOrigins
from gateway.http.ports import (
    Authenticate,
    CanReplace,
    CheckActive,
    FindRevoked,
    MayIntrospect,
    OpenContext,
    SessionStream,
    allow_introspection,
    always_active,
    equal_can_replace,
    no_session_stream,
)
from gateway.http.request_info import authorization, client_ip, request_info
from gateway.persisted.queries import PersistedQueries
from gateway.subscriptions.manager import SubscriptionManager
from gateway.websocket import subprotocols
from gateway.websocket.connection import WebSocketConnection
from gateway.websocket.connection_registry import ConnectionRegistry, WebSocketLimits, check_each
from gateway.websocket.messages import CloseFrame
from transport.direct_websocket import detach_transport
from transport.rfc6455 import TEXT

_GOING_AWAY = CloseFrame(1001, "The server is going away.")
_RECONNECT_SPREAD_SECONDS = 5.0
"""Seconds over which clients are asked to come back elsewhere."""


class WebSocketEndpoint:
    """The ASGI application behind `/graphql` for websockets."""

    def __init__(
        self,
        subscriptions: SubscriptionManager,
        *,
        persisted_queries: PersistedQueries,
        authenticate: Authenticate,
        check_active: CheckActive = always_active,
        find_revoked: FindRevoked | None = None,
        can_replace: CanReplace = equal_can_replace,
        session_stream: SessionStream = no_session_stream,
        open_context: OpenContext,
        origins: AllowedOrigins,
        may_introspect: MayIntrospect = allow_introspection,
        limits: WebSocketLimits | None = None,
    ) -> None:
        self.registry = ConnectionRegistry(
            subscriptions,
            persisted_queries=persisted_queries,
            authenticate=authenticate,
            find_revoked=find_revoked or check_each(check_active),
            can_replace=can_replace,
            session_stream=session_stream,
            open_context=open_context,
            may_introspect=may_introspect,
            limits=limits or WebSocketLimits(),
        )
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
        if not self._origins.allows(headers):
            await send({"type": "websocket.close", "code": 4403})  # before accepting: HTTP 403
            return
        dialect = subprotocols.select_subprotocol(scope.get("subprotocols", ()))
        if dialect is None:
            await send({"type": "websocket.accept"})
            await send(CloseFrame(4406, "Subprotocol not acceptable").to_asgi_message())
            return
        await send({"type": "websocket.accept", "subprotocol": dialect.name})
        info, given = request_info(headers, client_ip(scope)), authorization(headers)
        limits = self.registry.limits
        direct = detach_transport(
            scope, TEXT, max_message_bytes=limits.max_message_bytes, close_timeout_seconds=limits.close_timeout_seconds
        )
        if direct is not None:
            direct.attach(WebSocketConnection(self.registry, dialect, info, given, direct))
            return
        wire = AsgiWebSocketTransport(receive, send, close_timeout_seconds=limits.close_timeout_seconds)
        await wire.run(WebSocketConnection(self.registry, dialect, info, given, wire))

    def open_counts(self) -> tuple[int, int]:
        """How many connections are open, and how many operations run on them; from any thread."""
        connections = tuple(self.registry.connections)
        return len(connections), sum(each.operation_count for each in connections)

    async def drain(self, *, timeout_seconds: float = 5.0) -> None:
        """
        Close all connections with 1001, those too that still come, and wait until their operations are cleaned up. Call it before
        uvicorn's own shutdown, which would close them with 1012 and not wait.
        """
        self._draining = True
        for count, connection in enumerate(list(self.registry.connections)):
            connection.close_going_away(_GOING_AWAY, random.uniform(0, _RECONNECT_SPREAD_SECONDS))  # noqa: S311 (no secret)
            if count % 100 == 99:
                await asyncio.sleep(0)
        try:
            async with asyncio.timeout(timeout_seconds):
                await self.registry.drained.wait()
        except TimeoutError:
            pass
        self.registry.stop_timers()
        await self.registry.subscriptions.close()


class AsgiWebSocketTransport:
    """A `gateway.websocket.transport.Wire` over the ASGI interface of any server: one task that reads, and one that writes."""

    def __init__(self, receive: Receive, send: Send, *, close_timeout_seconds: float) -> None:
        self._receive = receive
        self._send = send
        self._close_timeout_seconds = close_timeout_seconds
        self._outgoing: list[bytes] = []
        self._has_outgoing = asyncio.Event()
        self._close_future: asyncio.Future[CloseFrame | None] = asyncio.get_running_loop().create_future()
        self.is_writable = True

    async def run(self, connection: WebSocketConnection) -> None:
        """Carry a connection until it ends."""
        async with asyncio.TaskGroup() as tasks:
            own = [tasks.create_task(each) for each in (self._read(connection), self._write(connection))]
            try:
                how = await self._close_future
                own[1].cancel()
                if how is not None:
                    await self._send_close(how)
            finally:
                connection.close(None)
                for task in own:
                    task.cancel()

    def send(self, texts: Sequence[bytes]) -> None:
        self._outgoing = list(texts)
        self.is_writable = False
        self._has_outgoing.set()

    def ping(self) -> bool:
        return False  # ASGI has no word for it

    def close(self, frame: CloseFrame | None) -> None:
        if not self._close_future.done():
            self._close_future.set_result(frame)

    async def _read(self, connection: WebSocketConnection) -> None:
        while True:
            message = await self._receive()
            if message["type"] != "websocket.receive":
                connection.close(None)
                return
            text = message.get("text")
            if text is None:
                connection.on_wrong_opcode()
                return
            connection.on_message(text.encode())

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
                # What was said before comes before.
                for text in self._outgoing:
                    await self._send({"type": "websocket.send", "text": text.decode()})
                await self._send(frame.to_asgi_message())
        except (TimeoutError, OSError, RuntimeError):
            return  # a stalled or vanished client: the server drops the connection when this call returns
