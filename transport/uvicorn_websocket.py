"""Uvicorn's websocket protocol, which hands over its transport to an application that asks for it.

An application that finds `HANDOVER` among the extensions of its scope may, after it has accepted and before anything else, go on
with the transport itself; its ASGI call then returns, and what uvicorn kept for the connection goes. Others notice nothing.
"""

from asyncio import BaseTransport, Protocol, Transport
from collections.abc import Callable
from typing import Any, Final, cast

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

HANDOVER: Final = "pantherahive.handover"

Gone = Callable[[Any], object]
TakeOver = Callable[[Callable[[Gone], Protocol]], Transport | None]


class _Nobody(Transport):
    """What uvicorn closes when an ASGI call returns whose transport is somebody else's by then."""

    def close(self) -> None:
        """There is nothing left to close."""


class WebsocketProtocol(WebSocketsSansIOProtocol):
    """Uvicorn's, with a way out."""

    def connection_made(self, transport: BaseTransport) -> None:
        super().connection_made(transport)
        self.app = self._with_handover(self.app)

    def _with_handover(self, app: Any) -> Any:
        async def run(scope: Any, receive: Any, send: Any) -> None:
            scope["extensions"][HANDOVER] = self.hand_over
            await app(scope, receive, send)

        return run

    def hand_over(self, successor: Callable[[Gone], Protocol]) -> Transport | None:
        """The transport, now that of the protocol that `successor` makes; None when it is too late for that."""
        if self.disconnected or self.close_sent or not self.handshake_complete or not self.queue.empty():
            return None
        transport, connections = self.transport, self.connections
        protocol: Any = successor(connections.discard)
        connections.discard(self)
        connections.add(protocol)
        self.transport = cast("Transport", _Nobody())
        # Cycles that would keep all this until the collector runs, which is seldom: some KiB for each connection.
        self.conn.parser.close()
        self.scope["extensions"].pop(HANDOVER, None)
        self.app = self.config.loaded_app
        return transport
