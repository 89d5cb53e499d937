"""`/collaboration/{documentId}`: websockets of stock Yjs providers, as a plain ASGI application.

    y-websocket   new WebsocketProvider("wss://…/collaboration", documentId, doc, { params: { token } })
    Hocuspocus    new HocuspocusProvider({ url: "wss://…/collaboration", name: documentId, document: doc, token })

The token may also stand in an Authorization header. Who may not come in is accepted and closed with a code, since a browser tells
nothing of a refused handshake. Codes: 4400 malformed or an update that the server refuses, 4401 not signed in (any more), 4403
not allowed, 4404 not there; those end a y-websocket provider's attempts. 1001 drained, 1009 too big, 4503 try later, 4508 come
back and synchronise: it fell behind, or nothing was heard of it.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

from starlette.types import Receive, Scope, Send

from domain.errors import DomainError, Unavailable
from realtime.collaboration.connection import Connection, Ends, Host, SignIn
from realtime.collaboration.rooms import Rooms
from realtime.collaboration.transport import AsgiCarrier, Carrier, TakeOver, never


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long is waited, in seconds."""

    ask: float = 20.0
    """Of silence, before a client is asked for a sign of life."""
    hang_up: float = 50.0
    """Of silence, before the connection ends."""
    look: float = 4.0
    """Between looks at the tokens and the silence of all connections."""


class CollaborationEndpoint:
    """All raw connections of a process."""

    def __init__(
        self,
        rooms: Rooms,
        *,
        sign_in: SignIn,
        parse_id: Callable[[str], UUID | None],
        may_connect: Callable[[Mapping[bytes, bytes]], bool],
        take_over: TakeOver = never,
        patience: Patience = Patience(),
    ) -> None:
        self._host = Host(rooms=rooms, sign_in=sign_in, parse_id=parse_id)
        self._may_connect = may_connect
        self._take_over = take_over
        self._patience = patience
        self._open: set[Connection] = set()
        self._empty = asyncio.Event()
        self._empty.set()
        self._draining = False
        rooms.start(self._watch(), "collaboration: watch")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers: dict[bytes, bytes] = dict(scope["headers"])
        if (await receive())["type"] != "websocket.connect":
            return
        if not self._may_connect(headers):
            await send({"type": "websocket.close", "code": 4403})  # before accepting: HTTP 403
            return
        await send({"type": "websocket.accept"})
        name, authorization = scope.get("path_params", {}).get("document_id"), _authorization(scope, headers)
        if (taken := self._take_over(scope, self._host.rooms.burst)) is not None:
            self._host.rooms.start(self._serve(taken, name, authorization), "collaboration: connection")
        else:
            await self._serve(AsgiCarrier(receive, send), name, authorization)

    async def _serve(self, carrier: Carrier, name: str | None, authorization: str | None) -> None:
        connection = Connection(self._host, carrier, name=name, authorization=authorization)
        if self._draining:
            connection.end(Ends.GOING)
        self._open.add(connection)
        self._empty.clear()
        try:
            await connection.run()
        finally:
            carrier.hang_up()
            self._open.discard(connection)
            if not self._open:
                self._empty.set()

    async def drain(self, *, within: float = 5.0) -> None:
        """Close all connections with 1001, those too that still come, and wait until they are gone."""
        self._draining = True
        for connection in tuple(self._open):
            connection.end(Ends.GOING)
        try:
            async with asyncio.timeout(within):
                await self._empty.wait()
        except TimeoutError:
            return

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._patience.look)
            now = time.monotonic()
            for connection in tuple(self._open):
                silent = now - connection.heard_at
                if not connection.seats:
                    if silent > self._patience.ask:
                        connection.end(Ends.SILENT)
                elif silent > self._patience.hang_up and connection.answers:
                    connection.end(Ends.SILENT)
                elif silent > self._patience.ask:
                    connection.ask()
                await self._look_at(connection)

    async def _look_at(self, connection: Connection) -> None:
        for seat in tuple(connection.seats):
            try:
                await self._host.sign_in.still_good(seat.credentials)
            except Unavailable:
                continue
            except DomainError as ended:
                seat.leave(ended)


def _authorization(scope: Scope, headers: Mapping[bytes, bytes]) -> str | None:
    given: Any = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("token")
    if given:
        return f"Bearer {given[0]}"
    header = headers.get(b"authorization")
    return None if header is None else header.decode("latin-1")
