"""Serves `/collaboration/{documentId}`, the websockets of stock Yjs providers, as a plain ASGI application.

    y-websocket   new WebsocketProvider("wss://…/collaboration", documentId, doc, { params: { token, schema: 1 } })
    Hocuspocus    new HocuspocusProvider({ url: "wss://…/collaboration?schema=1", name: documentId, document: doc, token })

The token may also be in an Authorization header. `schema` is the version of the editor schema that the client implements
(`domain.document.editor_schema`). Connections that are refused are accepted and closed with a code, since a browser shows nothing
of a refused handshake. Codes: 4400 malformed, or an update that the server refuses; 4401 not signed in (any more); 4403 not
allowed; 4404 not there; those end a y-websocket provider's attempts. 1001 draining, 1009 too big, 4503 try later, 4508 come back
and synchronize: the client fell behind, or did not answer.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import parse_qs
from uuid import UUID

from starlette.types import Receive, Scope, Send

from domain.errors import DomainError, Unavailable
from realtime.collaboration.close_codes import StandardClose
from realtime.collaboration.connection import CollaborationConnection
from realtime.collaboration.open_documents import Authenticator, EndpointContext, parse_schema_version
from realtime.collaboration.rooms import Rooms
from realtime.collaboration.timings import KeepaliveTimings
from realtime.collaboration.transport import AsgiTransport, Transport, TransportTakeover, no_takeover

_LATE_SECONDS: Final = 1.0


class CollaborationEndpoint:
    """All raw connections of a process."""

    def __init__(
        self,
        rooms: Rooms,
        *,
        authenticator: Authenticator,
        parse_id: Callable[[str], UUID | None],
        may_connect: Callable[[Mapping[bytes, bytes], str], bool],
        take_over: TransportTakeover = no_takeover,
        timings: KeepaliveTimings | None = None,
    ) -> None:
        self._context = EndpointContext(rooms=rooms, authenticator=authenticator, parse_id=parse_id)
        self._may_connect = may_connect
        self._take_over = take_over
        self._timings = timings or KeepaliveTimings()
        self._connections: set[CollaborationConnection] = set()
        self._pinged_at: dict[CollaborationConnection, float] = {}  # pings that nothing has answered yet
        self._all_closed = asyncio.Event()
        self._all_closed.set()
        self._draining = False
        rooms.start(self._check_connections(), "collaboration: watch")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers: dict[bytes, bytes] = dict(scope["headers"])
        if (await receive())["type"] != "websocket.connect":
            return
        if not self._may_connect(headers, scope.get("scheme", "ws")):
            await send({"type": "websocket.close", "code": 4403})  # before accepting: HTTP 403
            return
        await send({"type": "websocket.accept"})
        name = scope.get("path_params", {}).get("document_id")
        query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
        authorization = _authorization(query, headers)
        schema_version = parse_schema_version((query.get("schema") or [None])[0])
        rooms = self._context.rooms
        if (transport := self._take_over(scope, rooms.write_batch, rooms.message_gate)) is not None:
            serving = self._serve(transport, name, authorization, schema_version)
            rooms.start(serving, "collaboration: connection")
        else:
            await self._serve(AsgiTransport(receive, send), name, authorization, schema_version)

    async def _serve(self, transport: Transport, name: str | None, authorization: str | None, schema_version: int | None) -> None:
        connection = CollaborationConnection(
            self._context, transport, name=name, authorization=authorization, schema_version=schema_version
        )
        if self._draining:
            connection.close(StandardClose.GOING_AWAY)
        self._connections.add(connection)
        self._all_closed.clear()
        try:
            await connection.run()
        finally:
            transport.release()
            self._connections.discard(connection)
            self._pinged_at.pop(connection, None)
            if not self._connections:
                self._all_closed.set()

    async def drain(self, *, within: float = 5.0) -> None:
        """Close all connections with 1001, also those that still come, and wait until they are gone."""
        self._draining = True
        for connection in tuple(self._connections):
            connection.close(StandardClose.GOING_AWAY)
        try:
            async with asyncio.timeout(within):
                await self._all_closed.wait()
        except TimeoutError:
            return

    async def _check_connections(self) -> None:
        while True:
            due = time.monotonic() + self._timings.check_interval_seconds
            await asyncio.sleep(self._timings.check_interval_seconds)
            late = time.monotonic() - due
            if late > _LATE_SECONDS:  # while the process stood still nobody could answer
                self._pinged_at = {each: at + late for each, at in self._pinged_at.items()}
            for connection in tuple(self._connections):
                self._check_keepalive(connection, time.monotonic())
                await self._check_credentials(connection)

    def _check_keepalive(self, connection: CollaborationConnection, now: float) -> None:
        """Ping a client that is silent, and close one that has not answered. Clients without awareness need not answer."""
        silent = now - connection.last_received_at
        pinged_at = self._pinged_at.get(connection)
        if pinged_at is not None and connection.last_received_at >= pinged_at:
            del self._pinged_at[connection]
            pinged_at = None
        if not connection.sessions:
            if silent > self._timings.ping_after_seconds:
                connection.close(StandardClose.NO_RESPONSE)
        elif pinged_at is None:
            if silent > self._timings.ping_after_seconds:
                self._pinged_at[connection] = now
                connection.send_ping()
        elif now - pinged_at > self._timings.pong_timeout_seconds:
            if connection.has_sent_awareness:
                connection.close(StandardClose.NO_RESPONSE)
            else:
                self._pinged_at[connection] = now
                connection.send_ping()

    async def _check_credentials(self, connection: CollaborationConnection) -> None:
        for session in connection.sessions:
            try:
                await self._context.authenticator.check_active(session.credentials)
            except Unavailable:
                continue
            except DomainError as ended:
                session.on_removed(ended)


def _authorization(query: Mapping[str, list[str]], headers: Mapping[bytes, bytes]) -> str | None:
    if tokens := query.get("token"):
        return f"Bearer {tokens[0]}"
    header = headers.get(b"authorization")
    return None if header is None else header.decode("latin-1")
