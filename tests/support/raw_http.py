"""HTTP as bytes on a socket, for what clients refuse to send."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import orjson

from tests.support.sample_server import SampleServer


class RawConnection:
    """A connection, and the responses that come on it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def next_response(self) -> tuple[int, dict[bytes, bytes], bytes]:
        """Status, headers and body of the next one."""
        async with asyncio.timeout(30):
            status, *lines = (await self.reader.readuntil(b"\r\n\r\n")).strip().split(b"\r\n")
            headers = dict(line.split(b": ", 1) for line in lines)
            return int(status.split()[1]), headers, await self.reader.readexactly(int(headers[b"content-length"]))

    async def next_responses(self, count: int) -> list[int]:
        """The statuses of as many responses."""
        return [(await self.next_response())[0] for _ in range(count)]

    async def next_data(self) -> object:
        """What the next answer holds."""
        return orjson.loads((await self.next_response())[2])["data"]

    async def read_to_end(self) -> bytes:
        """What comes until the server closes."""
        async with asyncio.timeout(30):
            return await self.reader.read()


@asynccontextmanager
async def open_connection(server: SampleServer) -> AsyncIterator[RawConnection]:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        yield RawConnection(reader, writer)
    finally:
        writer.close()
