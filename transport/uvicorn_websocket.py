"""Extends uvicorn's websocket protocol so that an application can detach its transport.

An application that finds `DETACH_EXTENSION` among the extensions of its scope may, after it has accepted and before anything
else, go on with the transport itself; its ASGI call then returns, and what uvicorn holds for the connection is freed. Other
applications notice nothing.
"""

from asyncio import BaseTransport, Protocol, Transport
from collections.abc import Callable
from typing import Any, Final, cast

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from transport.fair_turns import FairTurns

DETACH_EXTENSION: Final = "pantherahive.handover"

OnDisconnect = Callable[[Any], object]
MakeProtocol = Callable[[OnDisconnect, FairTurns], Protocol]


class _NullTransport(Transport):
    """Stands in for a detached transport, which uvicorn would close when the ASGI call returns."""

    def close(self) -> None:
        """There is nothing left to close."""


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """Uvicorn's websocket protocol, whose transport can be detached."""

    turns: FairTurns | None = None
    """Shared by all connections of a process."""

    def connection_made(self, transport: BaseTransport) -> None:
        super().connection_made(transport)
        self.app = self._with_detach_extension(self.app)

    def _with_detach_extension(self, app: Any) -> Any:
        async def run(scope: Any, receive: Any, send: Any) -> None:
            scope["extensions"][DETACH_EXTENSION] = self.detach
            await app(scope, receive, send)

        return run

    def detach(self, make_protocol: MakeProtocol) -> Transport | None:
        """The transport, which `make_protocol` gives a new protocol; None when the connection has gone on already."""
        if self.disconnected or self.close_sent or not self.handshake_complete or not self.queue.empty():
            return None
        transport, connections = self.transport, self.connections
        protocol: Any = make_protocol(connections.discard, self.turns or FairTurns())
        connections.discard(self)
        connections.add(protocol)
        self.transport = cast("Transport", _NullTransport())
        # These cycles would hold some KiB for each connection until the collector runs, which is seldom.
        self.conn.parser.close()
        self.scope["extensions"].pop(DETACH_EXTENSION, None)
        self.app = self.config.loaded_app
        return transport
