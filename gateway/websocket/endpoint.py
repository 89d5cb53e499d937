"""GraphQL over websockets, as a plain ASGI application: who may connect, and how all connections end.

Rejected: Strawberry's handler (one context per socket, malformed frames end in 1006 and a traceback; each subscriber executes
alone).
"""

import asyncio
import random
from collections.abc import Sequence

from starlette.types import Receive, Scope, Send

from gateway.http.origins import Origins
from gateway.http.ports import (
    Authenticate,
    EndedAmong,
    MayIntrospect,
    OpenContext,
    Renews,
    StillGood,
    StreamOf,
    equals_renew,
    everybody_may_introspect,
    for_ever,
    nobodys,
)
from gateway.http.request_info import authorization, ip_of, request_info
from gateway.persisted.queries import KnownQueries
from gateway.subscriptions.manager import Events
from gateway.websocket import subprotocols
from gateway.websocket.connection import Connection
from gateway.websocket.connection_registry import Host, SocketLimits, one_by_one
from gateway.websocket.messages import Close
from gateway.websocket.raw_socket import RawSocket
from transport.uvicorn_websocket import HANDOVER

_GOING = Close(1001, "The server is going away.")
_SPREAD = 5.0
"""Seconds over which clients are asked to come back elsewhere."""


class WebsocketEndpoint:
    """The ASGI application behind `/graphql` for websockets."""

    def __init__(
        self,
        events: Events,
        *,
        known: KnownQueries,
        authenticate: Authenticate,
        still_good: StillGood = for_ever,
        ended_among: EndedAmong | None = None,
        renews: Renews = equals_renew,
        stream_of: StreamOf = nobodys,
        open_context: OpenContext,
        origins: Origins,
        may_introspect: MayIntrospect = everybody_may_introspect,
        limits: SocketLimits | None = None,
    ) -> None:
        self.host = Host(
            events,
            known=known,
            authenticate=authenticate,
            ended_among=ended_among or one_by_one(still_good),
            renews=renews,
            stream_of=stream_of,
            open_context=open_context,
            may_introspect=may_introspect,
            limits=limits or SocketLimits(),
        )
        self._origins = origins
        self._draining = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers: dict[bytes, bytes] = dict(scope["headers"])
        if (await receive())["type"] != "websocket.connect":
            return
        if self._draining:
            await send({"type": "websocket.accept"})
            await send(_GOING.message())
            return
        if not self._origins.allows(headers):
            await send({"type": "websocket.close", "code": 4403})  # before accepting: HTTP 403
            return
        dialect = subprotocols.chosen(scope.get("subprotocols", ()))
        if dialect is None:
            await send({"type": "websocket.accept"})
            await send(Close(4406, "Subprotocol not acceptable").message())
            return
        await send({"type": "websocket.accept", "subprotocol": dialect.subprotocol})
        info, given = request_info(headers, ip_of(scope)), authorization(headers)
        if (hand_over := scope.get("extensions", {}).get(HANDOVER)) is not None:
            made: list[RawSocket] = []
            limits = self.host.limits

            def successor(gone: object) -> RawSocket:
                made.append(RawSocket(message_bytes=limits.message_bytes, farewell=limits.farewell, gone=gone))  # type: ignore[arg-type]
                return made[0]

            if (transport := hand_over(successor)) is not None:
                made[0].take(transport, Connection(self.host, dialect, info, given, made[0]))
                return
        wire = AsgiWire(receive, send, farewell=self.host.limits.farewell)
        await wire.run(Connection(self.host, dialect, info, given, wire))

    def open_now(self) -> tuple[int, int]:
        """How many connections are open, and how many operations run on them; from any thread."""
        connections = tuple(self.host.connections)
        return len(connections), sum(each.operations for each in connections)

    async def drain(self, *, within: float = 5.0) -> None:
        """
        Close all connections with 1001, those too that still come, and wait until their operations are cleaned up. Call it before
        uvicorn's own shutdown, which would close them with 1012 and not wait.
        """
        self._draining = True
        for count, connection in enumerate(list(self.host.connections)):
            connection.go_away(_GOING, random.uniform(0, _SPREAD))  # noqa: S311 (no secret)
            if count % 100 == 99:
                await asyncio.sleep(0)
        try:
            async with asyncio.timeout(within):
                await self.host.empty.wait()
        except TimeoutError:
            pass
        self.host.stop()
        await self.host.events.close()


class AsgiWire:
    """A `gateway.websocket.transport.Wire` over the ASGI interface of any server: one task that reads, and one that writes."""

    def __init__(self, receive: Receive, send: Send, *, farewell: float) -> None:
        self._receive = receive
        self._send = send
        self._farewell = farewell
        self._texts: list[bytes] = []
        self._waiting = asyncio.Event()
        self._ended: asyncio.Future[Close | None] = asyncio.get_running_loop().create_future()
        self.ready = True

    async def run(self, connection: Connection) -> None:
        """Carry a connection until it ends."""
        async with asyncio.TaskGroup() as tasks:
            own = [tasks.create_task(each) for each in (self._read(connection), self._write(connection))]
            try:
                how = await self._ended
                own[1].cancel()
                if how is not None:
                    await self._say_farewell(how)
            finally:
                connection.end(None)
                for task in own:
                    task.cancel()

    def send(self, texts: Sequence[bytes]) -> None:
        self._texts = list(texts)
        self.ready = False
        self._waiting.set()

    def ping(self) -> bool:
        return False  # ASGI has no word for it

    def close(self, how: Close | None) -> None:
        if not self._ended.done():
            self._ended.set_result(how)

    async def _read(self, connection: Connection) -> None:
        while True:
            message = await self._receive()
            if message["type"] != "websocket.receive":
                connection.end(None)
                return
            text = message.get("text")
            if text is None:
                connection.end(Close(4400, "A message must be text."))
                return
            connection.receive(text.encode())

    async def _write(self, connection: Connection) -> None:
        try:
            while True:
                await self._waiting.wait()
                self._waiting.clear()
                while self._texts:
                    await self._send({"type": "websocket.send", "text": self._texts[0].decode()})
                    del self._texts[0]
                self.ready = True
                connection.out.writable()
        except OSError:
            connection.end(None)

    async def _say_farewell(self, how: Close) -> None:
        try:
            async with asyncio.timeout(self._farewell):
                # What was said before comes before.
                for text in self._texts:
                    await self._send({"type": "websocket.send", "text": text.decode()})
                await self._send(how.message())
        except (TimeoutError, OSError, RuntimeError):
            return  # a stalled or vanished client: the server drops the connection when this call returns
