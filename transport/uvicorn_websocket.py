"""Extends uvicorn's websocket protocol so that an application can detach its transport.

An application that finds `DETACH_EXTENSION` among the extensions of its scope may, after it has accepted and before anything
else, go on with the transport itself; its ASGI call then returns, and what uvicorn holds for the connection is freed. Other
applications notice nothing.
"""

from asyncio import BaseTransport, Protocol, Transport
from collections.abc import Callable
from typing import Any, Final, cast

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from transport.connection_table import ConnectionTable

DETACH_EXTENSION: Final = "pantherahive.handover"
_HANDSHAKE_TIMEOUT_SECONDS: Final = 15.0

OnDisconnect = Callable[[Any], object]
MakeProtocol = Callable[[OnDisconnect, ConnectionTable], Protocol]


class _NullTransport(Transport):
    """Stands in for a detached transport, which uvicorn would close when the ASGI call returns."""

    def close(self) -> None:
        """There is nothing left to close."""


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """Uvicorn's websocket protocol, whose transport can be detached."""

    table: ConnectionTable | None = None
    """Of all connections of the process; this one is in it already."""

    def connection_made(self, transport: BaseTransport) -> None:
        super().connection_made(transport)
        self._deadline = self.loop.call_later(_HANDSHAKE_TIMEOUT_SECONDS, self._on_handshake_timeout)
        self.app = self._with_detach_extension(self.app)

    def connection_lost(self, exc: Exception | None) -> None:
        self._deadline.cancel()
        if self.table is not None:
            self.table.remove(self)
        super().connection_lost(exc)

    @property
    def is_idle(self) -> bool:
        return False

    def evict(self) -> None:
        self.transport.abort()

    def abort(self) -> None:
        self.transport.abort()

    def _on_handshake_timeout(self) -> None:
        if not self.handshake_complete or self.transport.is_closing():
            self.transport.abort()

    def _with_detach_extension(self, app: Any) -> Any:
        async def run(scope: Any, receive: Any, send: Any) -> None:
            scope["extensions"][DETACH_EXTENSION] = self.detach
            await app(scope, receive, send)

        return run

    def detach(self, make_protocol: MakeProtocol) -> Transport | None:
        """The transport, which `make_protocol` gives a new protocol; None when the connection has gone on already."""
        if self.disconnected or self.close_sent or not self.handshake_complete or not self.queue.empty():
            return None
        self._deadline.cancel()
        transport, connections = self.transport, self.connections
        table = ConnectionTable() if self.table is None else self.table

        def on_disconnect(protocol: Any) -> None:
            connections.discard(protocol)
            table.remove(protocol)

        protocol: Any = make_protocol(on_disconnect, table)
        table.replace(self, protocol)
        connections.discard(self)
        connections.add(protocol)
        self.transport = cast("Transport", _NullTransport())
        # These cycles would hold some KiB for each connection until the collector runs, which is seldom.
        self.conn.parser.close()
        self.scope["extensions"].pop(DETACH_EXTENSION, None)
        self.app = self.config.loaded_app
        return transport
