"""Carries a websocket of text messages on a transport that was detached from uvicorn after the handshake, without ASGI between.

Measured with 1,000 subscribers on one core: see benchmarks/live. The handshake, its routes and the check of origins stay ASGI; a
server that cannot detach its transport is served by `gateway.websocket.endpoint.AsgiWebSocketTransport` with the same connection.

What is received is worked on in turns (`transport.message_budget`). While frames wait for their turn, for room in the
connection's send queue or for the client to read, nothing is read from the socket.
"""

import asyncio
import os
from collections.abc import Callable, Hashable, Sequence
from typing import Final, Protocol

from gateway.websocket.messages import CloseFrame
from transport import rfc6455
from transport.message_budget import MAX_FRAMES_PER_TURN, Client, ReceiveTurns, frame_cost
from transport.rfc6455 import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, FrameReader, ProtocolError

_HIGH_WATER_BYTES: Final = 32 * 1024
_SHORT_PAYLOAD_BYTES: Final = 1024
_SHORT_HEADERS: Final = [rfc6455.frame_header(TEXT, length) for length in range(_SHORT_PAYLOAD_BYTES)]
_PING_FRAME: Final = rfc6455.frame_header(PING, 0)


class MessageHandler(Protocol):
    """A connection, as its transport sees it."""

    @property
    def can_receive(self) -> bool: ...
    def receive(self, raw: bytes, /) -> None: ...
    def on_pong_frame(self) -> None: ...
    def on_writable(self) -> None: ...
    def on_flood(self) -> None: ...
    def close(self, frame: CloseFrame | None, /) -> None: ...


class DirectTextWebSocket(asyncio.Protocol):
    """A `gateway.websocket.transport.WebSocketTransport`, and the protocol of its own asyncio transport."""

    __slots__ = (
        "_budget",
        "_close_timeout_seconds",
        "_closing",
        "_connection",
        "_descriptor",
        "_discards",
        "_is_blocked",
        "_is_paused",
        "_is_scheduled",
        "_on_disconnect",
        "_reader",
        "_transport",
        "_turns",
        "is_writable",
    )

    def __init__(
        self,
        *,
        max_message_bytes: int,
        close_timeout_seconds: float,
        turns: ReceiveTurns,
        address: Hashable,
        on_disconnect: Callable[["DirectTextWebSocket"], object],
    ) -> None:
        """`on_disconnect` is called when the transport is lost."""
        self._reader = FrameReader(max_message_bytes)
        self._close_timeout_seconds = close_timeout_seconds
        self._turns = turns
        self._budget = turns.connect(address)
        self._on_disconnect = on_disconnect
        self._closing = False
        self._discards = False
        self._is_paused = False
        self._is_scheduled = False  # frames wait for a turn
        self._is_blocked = False  # frames wait for room in the send queue
        self._connection: MessageHandler | None = None
        self.is_writable = True

    def attach(self, transport: asyncio.Transport, connection: MessageHandler) -> None:
        """Go on with a transport whose handshake is done."""
        self._transport = transport
        self._connection = connection
        transport.set_write_buffer_limits(high=_HIGH_WATER_BYTES, low=0)
        transport.set_protocol(self)
        # Nothing of the transport's own waits while its buffer is empty, so what is written past it keeps its place.
        plain = transport.get_extra_info("sslcontext") is None
        self._descriptor = transport.get_extra_info("socket").fileno() if plain else -1

    @property
    def client(self) -> Client:
        return self._budget.client

    # From the transport.

    def data_received(self, data: bytes) -> None:
        if self._discards:
            return
        self._reader.append(data)
        if not self._is_scheduled and not self._is_blocked:
            if self._turns.may_receive(self._budget.client):
                if self.receive_turn():
                    self._schedule()
            else:
                self._schedule()

    def receive_turn(self) -> bool:
        try:
            for _ in range(MAX_FRAMES_PER_TURN):
                if self._discards:
                    return self._end_turns()
                if self._connection is not None and not self._closing and not (self.is_writable and self._connection.can_receive):
                    self._is_blocked = True
                    return self._end_turns()
                frame = self._reader.read()
                if frame is None:
                    return self._end_turns()
                if not self._budget.spend(frame_cost(len(frame[1]))):
                    self._discard()
                    if self._connection is not None:
                        self._connection.on_flood()
                    return self._end_turns()
                self._on_frame(*frame)
                if self._turns.is_turn_over():
                    break
        except ProtocolError as error:
            self._discard()
            self._close_connection(CloseFrame(error.code, error.reason))
            return self._end_turns()
        return True

    def eof_received(self) -> bool:
        return False

    def pause_writing(self) -> None:
        """The client does not read: nothing is read from it either."""
        self.is_writable = False
        self._update_reading()

    def resume_writing(self) -> None:
        self.is_writable = True
        if not self._closing and self._connection is not None:
            self._connection.on_writable()
        self.resume_receiving()

    def connection_lost(self, exc: Exception | None) -> None:
        self._closing = True
        self._descriptor = -1
        self._discard()
        self._on_disconnect(self)
        self._turns.disconnect(self._budget)
        if self._connection is not None:
            connection, self._connection = self._connection, None
            connection.close(None)

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
        # A transport that is closing may have given its descriptor back, and the system may have given it to another socket.
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

    def accept(self, client: Hashable) -> None:
        self._budget.open()
        if client is not None and not self._closing:
            self._turns.identify(self._budget, client)

    def resume_receiving(self) -> None:
        if self._is_blocked and self.is_writable and (self._connection is None or self._connection.can_receive):
            self._is_blocked = False
            self._schedule()
        self._update_reading()

    def close(self, frame: CloseFrame | None) -> None:
        if self._closing:
            return
        self._closing = True
        self._is_blocked = False
        if frame is None:
            self._transport.close()
            return
        self._transport.write(rfc6455.close_frame(frame.code, frame.truncated_reason))
        self._update_reading()
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
            self._discard()
            self._transport.close()
        elif self._closing or self._connection is None or opcode == CONTINUATION:
            return
        elif opcode == TEXT:
            self._connection.receive(payload)
        elif opcode == BINARY:
            self._connection.close(CloseFrame(4400, "A message must be text."))
        elif opcode == PING:
            self._transport.write(rfc6455.frame_header(PONG, len(payload)) + payload)
        else:
            self._connection.on_pong_frame()

    # Reading from the socket.

    def _schedule(self) -> None:
        self._is_scheduled = True
        self._turns.schedule(self)
        self._update_reading()

    def _end_turns(self) -> bool:
        self._is_scheduled = False
        self._update_reading()
        return False

    def _discard(self) -> None:
        """Nothing that is still received is looked at."""
        self._discards = True
        self._reader = FrameReader(0)

    def _update_reading(self) -> None:
        if self._connection is None or self._transport.is_closing():
            return
        pause = self._is_scheduled or self._is_blocked or not (self.is_writable or self._closing)
        if pause != self._is_paused:
            self._is_paused = pause
            if pause:
                self._transport.pause_reading()
            else:
                self._transport.resume_reading()
