"""A proxy in front of a service that has the faults of a network and of the service."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

from tests.support.backing_services import free_port

_CHUNK_BYTES: Final = 65_536
_SLOW_SECONDS: Final = 0.2
_ERROR_BODY: Final = b"<Error><Code>InternalError</Code><Message>We are sorry.</Message></Error>"
_ERROR: Final = b"HTTP/1.1 500 Oh\r\nContent-Type: application/xml\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b" % (
    len(_ERROR_BODY),
    _ERROR_BODY,
)


class FaultProxy:
    """
    Passes bytes on, but for its `fault`.

    `down` ends all connections and takes no more; `silent` lets them stand and passes nothing on until the fault is over; `slow`
    holds each piece back for 0.2 s; `errs` answers each request of HTTP with 500.
    """

    def __init__(self, upstream: int | Path) -> None:
        self._upstream = upstream
        self._fault = ""
        self._is_over = asyncio.Event()
        self._writers: set[asyncio.StreamWriter] = set()
        self.port = 0

    def begin(self, fault: str) -> None:
        """Have a fault from now on."""
        self._fault = fault
        self._is_over.clear()
        if fault in ("down", "errs"):
            for each in tuple(self._writers):
                each.transport.abort()

    def end(self) -> None:
        """Have none."""
        self._fault = ""
        self._is_over.set()

    @asynccontextmanager
    async def failing(self, fault: str) -> AsyncIterator[None]:
        """Have a fault for the length of the block."""
        self.begin(fault)
        try:
            yield
        finally:
            self.end()

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        self._writers.add(writer)
        try:
            if self._fault == "down":
                writer.transport.abort()
                return
            if self._fault == "errs":
                await reader.readuntil(b"\r\n\r\n")
                writer.write(_ERROR)
                await writer.drain()
                return
            await self._pass_on(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if isinstance(self._upstream, Path):
            there_reader, there_writer = await asyncio.open_unix_connection(self._upstream)
        else:
            there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self._upstream)
        self._writers.add(there_writer)
        try:
            ways = [asyncio.ensure_future(self._copy(*way)) for way in ((reader, there_writer), (there_reader, writer))]  # noqa: TID251 (ended below)
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for each in ways:
                each.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
        finally:
            self._writers.discard(there_writer)
            there_writer.close()

    async def _copy(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while piece := await source.read(_CHUNK_BYTES):
                if self._fault == "silent":
                    await self._is_over.wait()
                elif self._fault == "slow":
                    await asyncio.sleep(_SLOW_SECONDS)
                target.write(piece)
                await target.drain()


@asynccontextmanager
async def tcp_proxy(upstream_port: int) -> AsyncIterator[FaultProxy]:
    """A proxy in front of a port of 127.0.0.1, at its `port`."""
    proxy = FaultProxy(upstream_port)
    proxy.port = free_port()
    server = await asyncio.start_server(proxy.handle, "127.0.0.1", proxy.port)
    try:
        yield proxy
    finally:
        server.close()
        proxy.begin("down")


@asynccontextmanager
async def socket_proxy(upstream: Path, folder: Path) -> AsyncIterator[FaultProxy]:
    """A proxy in front of a socket, at one of the same name in a folder."""
    proxy = FaultProxy(upstream)
    server = await asyncio.start_unix_server(proxy.handle, folder / upstream.name)
    try:
        yield proxy
    finally:
        server.close()
        proxy.begin("down")
