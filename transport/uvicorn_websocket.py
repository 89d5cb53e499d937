"""Uvicorn's websocket protocol, which hands over its transport to an application that asks for it.

An application that finds `HANDOVER` among the extensions of its scope may, after it has accepted and before anything else, go on
with the transport itself; its ASGI call then returns, and what uvicorn kept for the connection goes. Others notice nothing.
"""

from asyncio import BaseTransport, Protocol, Transport
from collections.abc import Callable
from typing import Any, Final, cast

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

DETACH_EXTENSION: Final = "pantherahive.handover"

OnDisconnect = Callable[[Any], object]
Detach = Callable[[Callable[[OnDisconnect], Protocol]], Transport | None]


class _NullTransport(Transport):
    """What uvicorn closes when an ASGI call returns whose transport is somebody else's by then."""

    def close(self) -> None:
        """There is nothing left to close."""


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """Uvicorn's, with a way out."""

    def connection_made(self, transport: BaseTransport) -> None:
        super().connection_made(transport)
        self.app = self._with_detach_extension(self.app)

    def _with_detach_extension(self, app: Any) -> Any:
        async def run(scope: Any, receive: Any, send: Any) -> None:
            scope["extensions"][DETACH_EXTENSION] = self.detach
            await app(scope, receive, send)

        return run

    def detach(self, make_protocol: Callable[[OnDisconnect], Protocol]) -> Transport | None:
        """The transport, now that of the protocol that `successor` makes; None when it is too late for that."""
        if self.disconnected or self.close_sent or not self.handshake_complete or not self.queue.empty():
            return None
        transport, connections = self.transport, self.connections
        protocol: Any = make_protocol(connections.discard)
        connections.discard(self)
        connections.add(protocol)
        self.transport = cast("Transport", _NullTransport())
        # Cycles that would keep all this until the collector runs, which is seldom: some KiB for each connection.
        self.conn.parser.close()
        self.scope["extensions"].pop(DETACH_EXTENSION, None)
        self.app = self.config.loaded_app
        return transport
