"""A websocket on a transport that was taken over from uvicorn after the handshake: messages go in and out without ASGI between.

Measured with 1,000 subscribers on one core: see benchmarks/live. The handshake, its routes and the check of origins stay ASGI; a
server that does not offer to hand over its transport is served by `gateway.websocket.endpoint.AsgiWire` with the same connection
behind it.
"""

import asyncio
import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from gateway.websocket.messages import CloseFrame
from transport import rfc6455
from transport.rfc6455 import BINARY, CLOSE, PING, TEXT, FrameReader, ProtocolError

if TYPE_CHECKING:
    from gateway.websocket.connection import WebSocketConnection

_HIGH_WATER_BYTES = 32 * 1024
_SHORT_PAYLOAD_BYTES = 1024
_SHORT_HEADERS = [rfc6455.frame_header(TEXT, length) for length in range(_SHORT_PAYLOAD_BYTES)]
_PING_FRAME = rfc6455.frame_header(PING, 0)


class DirectTextWebSocket(asyncio.Protocol):
    """A `gateway.websocket.transport.Wire`, and the protocol of its transport."""

    __slots__ = (
        "_close_timeout_seconds",
        "_closing",
        "_connection",
        "_descriptor",
        "_on_disconnect",
        "_reader",
        "_transport",
        "is_writable",
    )

    def __init__(
        self, *, max_message_bytes: int, close_timeout_seconds: float, on_disconnect: Callable[["DirectTextWebSocket"], object]
    ) -> None:
        """`gone` is called when the transport is lost."""
        self._reader = FrameReader(max_message_bytes)
        self._close_timeout_seconds = close_timeout_seconds
        self._on_disconnect = on_disconnect
        self._closing = False
        self._connection: WebSocketConnection | None = None
        self.is_writable = True

    def attach(self, transport: asyncio.Transport, connection: "WebSocketConnection") -> None:
        """Go on with a transport whose handshake is done."""
        self._transport = transport
        self._connection = connection
        transport.set_write_buffer_limits(high=_HIGH_WATER_BYTES, low=0)
        transport.set_protocol(self)
        # Nothing of the transport's own waits while its buffer is empty, so what is written past it keeps its place.
        plain = transport.get_extra_info("sslcontext") is None
        self._descriptor = transport.get_extra_info("socket").fileno() if plain else -1

    # From the transport.

    def data_received(self, data: bytes) -> None:
        try:
            for kind, payload in self._reader.feed(data):
                self._on_frame(kind, payload)
        except ProtocolError as broken:
            self._close_connection(CloseFrame(broken.code, broken.reason))

    def eof_received(self) -> bool:
        return False

    def pause_writing(self) -> None:
        """The client does not read: it is not read from either."""
        self.is_writable = False
        if not self._closing:
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        self.is_writable = True
        if not self._closing:
            self._transport.resume_reading()
            if self._connection is not None:
                self._connection.send_queue.on_writable()

    def connection_lost(self, exc: Exception | None) -> None:
        self._closing = True
        self._descriptor = -1
        self._on_disconnect(self)
        if self._connection is not None:
            self._connection.close(None)
            self._connection = None

    def shutdown(self) -> None:
        """From uvicorn, which stops."""
        self._close_connection(CloseFrame(1012, ""))

    # From the connection.

    def send(self, texts: Sequence[bytes]) -> None:
        if self._closing:
            return
        if len(texts) == 1:
            text = texts[0]
            frames = (
                _SHORT_HEADERS[len(text)] + text
                if len(text) < _SHORT_PAYLOAD_BYTES
                else rfc6455.frame_header(TEXT, len(text)) + text
            )
        else:
            parts: list[bytes] = []
            for text in texts:
                parts += (rfc6455.frame_header(TEXT, len(text)), text)
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
        if not self._closing and self.is_writable:
            self._transport.write(_PING_FRAME)
        return True

    def close(self, frame: CloseFrame | None) -> None:
        if self._closing:
            return
        self._closing = True
        if frame is None:
            self._transport.close()
            return
        if not self.is_writable:
            self._transport.resume_reading()
        self._transport.write(rfc6455.close_frame(frame.code, frame.truncated_reason))
        asyncio.get_running_loop().call_later(self._close_timeout_seconds, self._transport.abort)

    def _close_connection(self, frame: CloseFrame) -> None:
        if self._connection is not None:
            self._connection.close(frame)
        self.close(frame)

    def _on_frame(self, opcode: int, payload: bytes) -> None:
        if opcode == CLOSE:
            code = rfc6455.parse_close_code(payload)
            if not self._closing:
                self._closing = True
                self._transport.write(rfc6455.close_frame(code))
            self._transport.close()
        elif self._closing or self._connection is None:
            return
        elif opcode == TEXT:
            self._connection.receive(payload)
        elif opcode == BINARY:
            self._connection.close(CloseFrame(4400, "A message must be text."))
        elif opcode == PING:
            self._transport.write(rfc6455.frame_header(rfc6455.PONG, len(payload)) + payload)
        else:
            self._connection.on_pong()
