"""The sample graph behind a real uvicorn on 127.0.0.1."""

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

import orjson
import uvicorn
from websockets.asyncio.client import ClientConnection, connect

from domain.ip_network import parse_networks
from tests.support.sample_app import SampleApp, build_sample_app
from transport.connection_table import ConnectionTable
from transport.trusted_proxies import TrustedProxies
from transport.uvicorn_http import HttpTimeouts, http_protocol
from transport.uvicorn_websocket import WebSocketProtocol


@dataclass(frozen=True)
class SampleServer:
    """A uvicorn that serves the sample graph on a port of its own."""

    sample_app: SampleApp
    port: int
    server: uvicorn.Server

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/graphql"

    def connect(self, *, subprotocols: Sequence[Any] = ("graphql-transport-ws",), **options: Any) -> connect:
        return connect(f"ws://127.0.0.1:{self.port}/graphql", subprotocols=subprotocols or None, **options)

    def close_connections(self) -> None:
        """As the server does when it stops."""
        for connection in tuple(self.server.server_state.connections):
            connection.shutdown()

    @asynccontextmanager
    async def open_websocket(self, payload: dict[str, Any] | None = None) -> AsyncIterator[ClientConnection]:
        """A websocket that has said hello."""
        async with self.connect() as ws:
            await ws.send(orjson.dumps({"type": "connection_init", "payload": payload}).decode())
            assert await ws.recv() == '{"type":"connection_ack"}'
            yield ws


async def drain_until_closed(ws: ClientConnection) -> None:
    """Skip what is said until the connection closes, which raises."""
    async with asyncio.timeout(30):
        while True:
            await ws.recv()


@asynccontextmanager
async def run_sample_server(
    *,
    ws: Any = WebSocketProtocol,
    fast_path: bool = True,
    keep_alive: float = 5.0,
    table: ConnectionTable | None = None,
    timeouts: HttpTimeouts = HttpTimeouts(),  # noqa: B008 (frozen)
    proxies: Sequence[str] = (),
    **options: Any,
) -> AsyncIterator[SampleServer]:
    served = build_sample_app(**options)
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        served.app,
        log_level="warning",
        lifespan="off",
        http=http_protocol(served.request_handlers, table, timeouts, TrustedProxies(parse_networks(proxies)))
        if fast_path
        else "httptools",
        proxy_headers=False,
        ws=ws,
        ws_ping_interval=None,
        ws_per_message_deflate=False,
        timeout_keep_alive=cast(int, keep_alive),
        timeout_graceful_shutdown=2,
    )
    server = uvicorn.Server(config)
    config.load()
    server.lifespan = config.lifespan_class(config)
    await server.startup([listener])  # without its main loop, which would take up to 100 ms to notice the end
    try:
        yield SampleServer(served, listener.getsockname()[1], server)
    finally:
        async with asyncio.timeout(30):
            await server.shutdown([listener])
