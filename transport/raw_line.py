"""A websocket of binary messages on a transport that was taken over from uvicorn: carries live editing without ASGI between.

An edit goes to everybody in a document at once, so that what counts is what one more write costs. Through ASGI it wakes the
connection's writer, which goes through uvicorn's and `websockets`' layers. Written to the socket as soon as it is there, with all
that is told together (`transport.write_batch`), it costs little more than the kernel's part. Only when the kernel takes no more
does anything wait, in the connection's own bounded outbox.

Rejected: the graph's `RawSocket` (its connection takes in what comes without waiting; here a room that has too much to keep makes
its visitors wait, so reading stops until what was read is dealt with).
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

from starlette.types import Message, Scope

from transport import rfc6455
from transport.rfc6455 import BINARY, CLOSE, PING, TEXT, Broken, FrameReader
from transport.uvicorn_websocket import HANDOVER
from transport.write_batch import WriteBatch

_HIGH_WATER: Final = 32 * 1024
_UNREAD: Final = 32
_UNREAD_BYTES: Final = 256 * 1024
_FAREWELL: Final = 1.0
_MINUTE: Final = 60.0
_SHORT: Final = 1024
_HEADERS: Final = [rfc6455.header(BINARY, length) for length in range(_SHORT)]
_DISCONNECT: Final = {"type": "websocket.disconnect", "code": 1006}


class Intake:
    """What the lines of a process may take in at once of large messages, in bytes: a crowd that sends documents cannot fill the
    memory."""

    def __init__(self, room: int = 64 * 1024 * 1024) -> None:
        self.room = room


def take_over(scope: Scope, burst: WriteBatch, *, message_bytes: int, intake: Intake) -> "RawLine | None":
    """The line of a connection that was just accepted, where the server hands over its transport; it takes part in the burst."""
    hand_over = scope.get("extensions", {}).get(HANDOVER)
    if hand_over is None:
        return None
    made: list[RawLine] = []

    def successor(gone: Callable[[RawLine], object]) -> RawLine:
        made.append(RawLine(burst, message_bytes=message_bytes, gone=gone, intake=intake))
        return made[0]

    transport = hand_over(successor)
    if transport is None:
        return None
    made[0].take(transport)
    return made[0]


class RawLine(asyncio.Protocol):
    """The protocol of its transport, and a `realtime.collaboration.transport.Carrier`."""

    __slots__ = (
        "_burst",
        "_closing",
        "_drained",
        "_gone",
        "_heard",
        "_heard_bytes",
        "_intake",
        "_late",
        "_reader",
        "_ready",
        "_reserved",
        "_taker",
        "_transport",
        "_usual",
        "descriptor",
        "pending_frames",
    )

    def __init__(
        self, burst: WriteBatch, *, message_bytes: int, gone: Callable[["RawLine"], object], intake: Intake | None = None
    ) -> None:
        """`message_bytes`: until `accept` says otherwise; more needs room in the intake. `gone` is called when the transport is
        lost."""
        self._burst = burst
        self.descriptor = -1
        self.pending_frames = b""
        self._usual = message_bytes
        self._intake = intake or Intake()
        self._reserved = 0
        self._late: asyncio.TimerHandle | None = None
        self._reader = FrameReader(message_bytes)
        self._gone = gone
        self._heard: deque[Message] = deque()
        self._heard_bytes = 0
        self._taker: asyncio.Future[None] | None = None
        self._drained: asyncio.Future[None] | None = None
        self._ready = True
        self._closing = False

    def take(self, transport: asyncio.Transport) -> None:
        """Go on with a transport whose handshake is done."""
        self._transport = transport
        transport.set_write_buffer_limits(high=_HIGH_WATER, low=0)
        transport.set_protocol(self)
        # Nothing of the transport's own waits while its buffer is empty, so what is written past it keeps its place.
        plain = transport.get_extra_info("sslcontext") is None
        self.descriptor = transport.get_extra_info("socket").fileno() if plain else -1
        transport.resume_reading()  # uvicorn stops after each message, and may have done so

    # From the transport.

    def data_received(self, data: bytes) -> None:
        try:
            for kind, payload in self._reader.feed(data):
                self._received(kind, payload)
        except Broken as broken:
            self._close(broken.code, broken.reason)
            self._hear(_DISCONNECT, 0)
        else:
            if self._reader.expected > max(self._usual, self._reserved):
                self._reserve(self._reader.expected)

    def eof_received(self) -> bool:
        return False

    def pause_writing(self) -> None:
        self._ready = False

    def resume_writing(self) -> None:
        self._ready = True
        _wake(self._drained)

    def connection_lost(self, exc: Exception | None) -> None:
        self._closing = True
        self.descriptor = -1
        self._give_back()
        self._gone(self)
        self._hear(_DISCONNECT, 0)
        _wake(self._drained)

    def shutdown(self) -> None:
        """From uvicorn, which stops."""
        self._close(1012, "")
        self._hear(_DISCONNECT, 0)

    # For the connection.

    def set_max_message_bytes(self, message_bytes: int) -> None:
        self._reader.limit = message_bytes

    async def receive(self) -> Message:
        if self._reserved and not self._heard and not self._reader.expected:
            self._give_back()
        while not self._heard:
            if self._closing:
                return _DISCONNECT
            self._taker = asyncio.get_running_loop().create_future()
            try:
                await self._taker
            finally:
                self._taker = None
        message = self._heard.popleft()
        self._heard_bytes -= len(message.get("bytes") or b"")
        if not self._heard:
            self._transport.resume_reading()
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "websocket.close":
            self._close(message["code"], message["reason"])
            return
        data: bytes = message["bytes"]
        if not self.send_now(data):
            if self._closing:
                raise RuntimeError("The connection is closed.")
            self._transport.write(_framed(data))
        while not self._ready and not self._closing:
            self._drained = asyncio.get_running_loop().create_future()
            try:
                await self._drained
            finally:
                self._drained = None

    def send_now(self, data: bytes) -> bool:
        transport = self._transport
        if self._closing or self.descriptor < 0 or transport.is_closing() or transport.get_write_buffer_size():
            return False
        burst = self._burst
        if burst.is_open:
            burst.add(self, _framed(data))
        else:
            with burst:
                burst.add(self, _framed(data))
        return True

    def write_rest(self, frames: bytes, written: int) -> None:
        self._transport.write(frames[written:])

    def release(self) -> None:
        if not self._closing:
            self._closing = True
            self._transport.close()
            self._abort_later()

    def _close(self, code: int, reason: str) -> None:
        if self._closing:
            return
        self._closing = True
        self._transport.resume_reading()  # the client's answer is waited for
        self._transport.write(rfc6455.close_frame(code, reason))
        self._abort_later()

    def _reserve(self, size: int) -> None:
        """A large message has begun: it must come whole within a minute, and only so many may come at once."""
        if self._intake.room < size - self._reserved:
            self._close(1013, "Too many large messages come at once; try again.")
            self._hear(_DISCONNECT, 0)
            return
        self._intake.room -= size - self._reserved
        self._reserved = size
        if self._late is None:
            self._late = asyncio.get_running_loop().call_later(_MINUTE, self._hang_up_late)

    def _give_back(self) -> None:
        self._intake.room += self._reserved
        self._reserved = 0
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _hang_up_late(self) -> None:
        if self._reader.expected:
            self._close(1008, "The message comes too slowly.")
            self._hear(_DISCONNECT, 0)

    def _abort_later(self) -> None:
        asyncio.get_running_loop().call_later(_FAREWELL, self._transport.abort)

    def _received(self, kind: int, payload: bytes) -> None:
        if kind == CLOSE:
            code = rfc6455.closing_code(payload)
            if not self._closing:
                self._closing = True
                self._transport.write(rfc6455.close_frame(code))
            self._transport.close()
            self._hear(_DISCONNECT, 0)
        elif self._closing:
            return
        elif kind == BINARY:
            self._hear({"type": "websocket.receive", "bytes": payload}, len(payload))
        elif kind == TEXT:
            self._hear({"type": "websocket.receive", "text": ""}, 0)
        elif kind == PING:
            self._transport.write(rfc6455.header(rfc6455.PONG, len(payload)) + payload)

    def _hear(self, message: Message, size: int) -> None:
        self._heard.append(message)
        self._heard_bytes += size
        if not self._closing and (len(self._heard) >= _UNREAD or self._heard_bytes >= _UNREAD_BYTES):
            self._transport.pause_reading()
        _wake(self._taker)


def _framed(data: bytes) -> bytes:
    return (_HEADERS[len(data)] if len(data) < _SHORT else rfc6455.header(BINARY, len(data))) + data


def _wake(waiting: "asyncio.Future[None] | None") -> None:
    if waiting is not None and not waiting.done():
        waiting.set_result(None)
