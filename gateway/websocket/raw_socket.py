"""A websocket on a transport that was taken over from uvicorn after the handshake: messages go in and out without ASGI between.

Measured with 1,000 subscribers on one core: see benchmarks/live. The handshake, its routes and the check of origins stay ASGI; a
server that does not offer to hand over its transport is served by `gateway.websocket.endpoint.AsgiWire` with the same connection
behind it.
"""

import asyncio
import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from gateway.websocket.messages import Close
from transport import rfc6455
from transport.rfc6455 import BINARY, CLOSE, PING, TEXT, Broken, FrameReader

if TYPE_CHECKING:
    from gateway.websocket.connection import Connection

_HIGH_WATER = 32 * 1024
_SHORT = 1024
_HEADERS = [rfc6455.header(TEXT, length) for length in range(_SHORT)]
_PING = rfc6455.header(PING, 0)


class RawSocket(asyncio.Protocol):
    """A `gateway.websocket.transport.Wire`, and the protocol of its transport."""

    __slots__ = ("_closing", "_connection", "_descriptor", "_farewell", "_gone", "_reader", "_transport", "ready")

    def __init__(self, *, message_bytes: int, farewell: float, gone: Callable[["RawSocket"], object]) -> None:
        """`gone` is called when the transport is lost."""
        self._reader = FrameReader(message_bytes)
        self._farewell = farewell
        self._gone = gone
        self._closing = False
        self._connection: Connection | None = None
        self.ready = True

    def take(self, transport: asyncio.Transport, connection: "Connection") -> None:
        """Go on with a transport whose handshake is done."""
        self._transport = transport
        self._connection = connection
        transport.set_write_buffer_limits(high=_HIGH_WATER, low=0)
        transport.set_protocol(self)
        # Nothing of the transport's own waits while its buffer is empty, so what is written past it keeps its place.
        plain = transport.get_extra_info("sslcontext") is None
        self._descriptor = transport.get_extra_info("socket").fileno() if plain else -1

    # From the transport.

    def data_received(self, data: bytes) -> None:
        try:
            for kind, payload in self._reader.feed(data):
                self._received(kind, payload)
        except Broken as broken:
            self._end(Close(broken.code, broken.reason))

    def eof_received(self) -> bool:
        return False

    def pause_writing(self) -> None:
        """The client does not read: it is not read from either."""
        self.ready = False
        if not self._closing:
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        self.ready = True
        if not self._closing:
            self._transport.resume_reading()
            if self._connection is not None:
                self._connection.out.writable()

    def connection_lost(self, exc: Exception | None) -> None:
        self._closing = True
        self._descriptor = -1
        self._gone(self)
        if self._connection is not None:
            self._connection.end(None)
            self._connection = None

    def shutdown(self) -> None:
        """From uvicorn, which stops."""
        self._end(Close(1012, ""))

    # From the connection.

    def send(self, texts: Sequence[bytes]) -> None:
        if self._closing:
            return
        if len(texts) == 1:
            text = texts[0]
            frames = _HEADERS[len(text)] + text if len(text) < _SHORT else rfc6455.header(TEXT, len(text)) + text
        else:
            parts: list[bytes] = []
            for text in texts:
                parts += (rfc6455.header(TEXT, len(text)), text)
            frames = b"".join(parts)
        transport = self._transport
        # A transport that is closing may have given its descriptor back, and somebody else may have it by now.
        if self._descriptor >= 0 and not transport.is_closing() and not transport.get_write_buffer_size():
            try:
                written = os.write(self._descriptor, frames)
            except OSError:
                written = 0  # full, or broken: the transport finds out
            if written == len(frames):
                return
            frames = frames[written:]
        transport.write(frames)

    def ping(self) -> bool:
        if not self._closing and self.ready:
            self._transport.write(_PING)
        return True

    def close(self, how: Close | None) -> None:
        if self._closing:
            return
        self._closing = True
        if how is None:
            self._transport.close()
            return
        if not self.ready:
            self._transport.resume_reading()
        self._transport.write(rfc6455.close_frame(how.code, how.short))
        asyncio.get_running_loop().call_later(self._farewell, self._transport.abort)

    def _end(self, how: Close) -> None:
        if self._connection is not None:
            self._connection.end(how)
        self.close(how)

    def _received(self, kind: int, payload: bytes) -> None:
        if kind == CLOSE:
            code = rfc6455.closing_code(payload)
            if not self._closing:
                self._closing = True
                self._transport.write(rfc6455.close_frame(code))
            self._transport.close()
        elif self._closing or self._connection is None:
            return
        elif kind == TEXT:
            self._connection.receive(payload)
        elif kind == BINARY:
            self._connection.end(Close(4400, "A message must be text."))
        elif kind == PING:
            self._transport.write(rfc6455.header(rfc6455.PONG, len(payload)) + payload)
        else:
            self._connection.pong()
