"""GraphQL over websockets, as a plain ASGI application: who may connect, and how all connections end.

Rejected: Strawberry's handler (one context per socket, malformed frames end in 1006 and a traceback).
"""

import asyncio

from starlette.types import Receive, Scope, Send

from schema.execution.executor import Executor
from schema.http import frames
from schema.http.connection import Connection, Host, SocketLimits
from schema.http.endpoint import authorization, request_info
from schema.http.frames import Close
from schema.http.origins import Origins
from schema.http.ports import Authenticate, MayIntrospect, OpenContext, StillGood, everybody_may_introspect, for_ever

_GOING = Close(1001, "The server is going away.")


class WebsocketEndpoint:
    """The ASGI application behind `/graphql` for websockets."""

    def __init__(
        self,
        executor: Executor,
        *,
        authenticate: Authenticate,
        still_good: StillGood = for_ever,
        open_context: OpenContext,
        origins: Origins,
        may_introspect: MayIntrospect = everybody_may_introspect,
        limits: SocketLimits | None = None,
    ) -> None:
        self._host = Host(
            executor=executor,
            authenticate=authenticate,
            still_good=still_good,
            open_context=open_context,
            may_introspect=may_introspect,
            limits=limits or SocketLimits(),
        )
        self._origins = origins
        self._open: set[Connection] = set()
        self._empty = asyncio.Event()
        self._empty.set()
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
        if frames.SUBPROTOCOL not in scope.get("subprotocols", ()):
            await send({"type": "websocket.accept"})
            await send(Close(4406, "Subprotocol not acceptable").message())
            return
        connection = Connection(self._host, request_info(scope, headers), authorization(headers), receive, send)
        self._open.add(connection)
        self._empty.clear()
        try:
            await send({"type": "websocket.accept", "subprotocol": frames.SUBPROTOCOL})
            await connection.run()
        finally:
            self._open.discard(connection)
            if not self._open:
                self._empty.set()

    def open_now(self) -> tuple[int, int]:
        """How many connections are open, and how many operations run on them; from any thread."""
        connections = tuple(self._open)
        return len(connections), sum(each.running for each in connections)

    async def drain(self, *, within: float = 5.0) -> None:
        """
        Close all connections with 1001, those too that still come, and wait until their operations are cleaned up. Call it before
        uvicorn's own shutdown, which would close them with 1012 and not wait.
        """
        self._draining = True
        for connection in self._open:
            connection.end(_GOING)
        try:
            async with asyncio.timeout(within):
                await self._empty.wait()
        except TimeoutError:
            return
