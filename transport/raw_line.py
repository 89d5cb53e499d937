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
from transport.rfc6455 import BINARY, CLOSE, PING, TEXT, FrameReader, ProtocolError
from transport.uvicorn_websocket import DETACH_EXTENSION
from transport.write_batch import WriteBatch

_HIGH_WATER_BYTES: Final = 32 * 1024
_MAX_UNREAD_MESSAGES: Final = 32
_MAX_UNREAD_BYTES: Final = 256 * 1024
_CLOSE_TIMEOUT_SECONDS: Final = 1.0
_LARGE_MESSAGE_TIMEOUT_SECONDS: Final = 60.0
_SHORT_PAYLOAD_BYTES: Final = 1024
_SHORT_HEADERS: Final = [rfc6455.frame_header(BINARY, length) for length in range(_SHORT_PAYLOAD_BYTES)]
_DISCONNECT_MESSAGE: Final = {"type": "websocket.disconnect", "code": 1006}


class LargeMessageBudget:
    """What the lines of a process may take in at once of large messages, in bytes: a crowd that sends documents cannot fill the
    memory."""

    def __init__(self, available_bytes: int = 64 * 1024 * 1024) -> None:
        self.available_bytes = available_bytes


def detach_transport(
    scope: Scope, write_batch: WriteBatch, *, max_message_bytes: int, budget: LargeMessageBudget
) -> "DirectBinaryWebSocket | None":
    """The line of a connection that was just accepted, where the server hands over its transport; it takes part in the burst."""
    hand_over = scope.get("extensions", {}).get(DETACH_EXTENSION)
    if hand_over is None:
        return None
    made: list[DirectBinaryWebSocket] = []

    def successor(gone: Callable[[DirectBinaryWebSocket], object]) -> DirectBinaryWebSocket:
        made.append(DirectBinaryWebSocket(write_batch, max_message_bytes=max_message_bytes, on_disconnect=gone, budget=budget))
        return made[0]

    transport = hand_over(successor)
    if transport is None:
        return None
    made[0].attach(transport)
    return made[0]


class DirectBinaryWebSocket(asyncio.Protocol):
    """The protocol of its transport, and a `realtime.collaboration.transport.Carrier`."""

    __slots__ = (
        "_budget",
        "_closing",
        "_default_message_bytes",
        "_drain_waiter",
        "_inbox",
        "_inbox_bytes",
        "_is_writable",
        "_large_message_timer",
        "_on_disconnect",
        "_reader",
        "_receive_waiter",
        "_reserved_bytes",
        "_transport",
        "_write_batch",
        "descriptor",
        "pending_frames",
    )

    def __init__(
        self,
        write_batch: WriteBatch,
        *,
        max_message_bytes: int,
        on_disconnect: Callable[["DirectBinaryWebSocket"], object],
        budget: LargeMessageBudget | None = None,
    ) -> None:
        """`message_bytes`: until `accept` says otherwise; more needs room in the intake. `gone` is called when the transport is
        lost."""
        self._write_batch = write_batch
        self.descriptor = -1
        self.pending_frames = b""
        self._default_message_bytes = max_message_bytes
        self._budget = budget or LargeMessageBudget()
        self._reserved_bytes = 0
        self._large_message_timer: asyncio.TimerHandle | None = None
        self._reader = FrameReader(max_message_bytes)
        self._on_disconnect = on_disconnect
        self._inbox: deque[Message] = deque()
        self._inbox_bytes = 0
        self._receive_waiter: asyncio.Future[None] | None = None
        self._drain_waiter: asyncio.Future[None] | None = None
        self._is_writable = True
        self._closing = False

    def attach(self, transport: asyncio.Transport) -> None:
        """Go on with a transport whose handshake is done."""
        self._transport = transport
        transport.set_write_buffer_limits(high=_HIGH_WATER_BYTES, low=0)
        transport.set_protocol(self)
        # Nothing of the transport's own waits while its buffer is empty, so what is written past it keeps its place.
        plain = transport.get_extra_info("sslcontext") is None
        self.descriptor = transport.get_extra_info("socket").fileno() if plain else -1
        transport.resume_reading()  # uvicorn stops after each message, and may have done so

    # From the transport.

    def data_received(self, data: bytes) -> None:
        try:
            for kind, payload in self._reader.feed(data):
                self._on_frame(kind, payload)
        except ProtocolError as broken:
            self._close(broken.code, broken.reason)
            self._enqueue(_DISCONNECT_MESSAGE, 0)
        else:
            if self._reader.expected_bytes > max(self._default_message_bytes, self._reserved_bytes):
                self._reserve_budget(self._reader.expected_bytes)

    def eof_received(self) -> bool:
        return False

    def pause_writing(self) -> None:
        self._is_writable = False

    def resume_writing(self) -> None:
        self._is_writable = True
        _wake(self._drain_waiter)

    def connection_lost(self, exc: Exception | None) -> None:
        self._closing = True
        self.descriptor = -1
        self._release_budget()
        self._on_disconnect(self)
        self._enqueue(_DISCONNECT_MESSAGE, 0)
        _wake(self._drain_waiter)

    def shutdown(self) -> None:
        """From uvicorn, which stops."""
        self._close(1012, "")
        self._enqueue(_DISCONNECT_MESSAGE, 0)

    # For the connection.

    def set_max_message_bytes(self, message_bytes: int) -> None:
        self._reader.max_message_bytes = message_bytes

    async def receive(self) -> Message:
        if self._reserved_bytes and not self._inbox and not self._reader.expected_bytes:
            self._release_budget()
        while not self._inbox:
            if self._closing:
                return _DISCONNECT_MESSAGE
            self._receive_waiter = asyncio.get_running_loop().create_future()
            try:
                await self._receive_waiter
            finally:
                self._receive_waiter = None
        message = self._inbox.popleft()
        self._inbox_bytes -= len(message.get("bytes") or b"")
        if not self._inbox:
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
            self._transport.write(_to_frame(data))
        while not self._is_writable and not self._closing:
            self._drain_waiter = asyncio.get_running_loop().create_future()
            try:
                await self._drain_waiter
            finally:
                self._drain_waiter = None

    def send_now(self, data: bytes) -> bool:
        transport = self._transport
        if self._closing or self.descriptor < 0 or transport.is_closing() or transport.get_write_buffer_size():
            return False
        burst = self._write_batch
        if burst.is_open:
            burst.add(self, _to_frame(data))
        else:
            with burst:
                burst.add(self, _to_frame(data))
        return True

    def write_rest(self, frames: bytes, written: int) -> None:
        self._transport.write(frames[written:])

    def release(self) -> None:
        if not self._closing:
            self._closing = True
            self._transport.close()
            self._schedule_abort()

    def _close(self, code: int, reason: str) -> None:
        if self._closing:
            return
        self._closing = True
        self._transport.resume_reading()  # the client's answer is waited for
        self._transport.write(rfc6455.close_frame(code, reason))
        self._schedule_abort()

    def _reserve_budget(self, size: int) -> None:
        """A large message has begun: it must come whole within a minute, and only so many may come at once."""
        if self._budget.available_bytes < size - self._reserved_bytes:
            self._close(1013, "Too many large messages come at once; try again.")
            self._enqueue(_DISCONNECT_MESSAGE, 0)
            return
        self._budget.available_bytes -= size - self._reserved_bytes
        self._reserved_bytes = size
        if self._large_message_timer is None:
            self._large_message_timer = asyncio.get_running_loop().call_later(
                _LARGE_MESSAGE_TIMEOUT_SECONDS, self._on_large_message_timeout
            )

    def _release_budget(self) -> None:
        self._budget.available_bytes += self._reserved_bytes
        self._reserved_bytes = 0
        if self._large_message_timer is not None:
            self._large_message_timer.cancel()
            self._large_message_timer = None

    def _on_large_message_timeout(self) -> None:
        if self._reader.expected_bytes:
            self._close(1008, "The message comes too slowly.")
            self._enqueue(_DISCONNECT_MESSAGE, 0)

    def _schedule_abort(self) -> None:
        asyncio.get_running_loop().call_later(_CLOSE_TIMEOUT_SECONDS, self._transport.abort)

    def _on_frame(self, opcode: int, payload: bytes) -> None:
        if opcode == CLOSE:
            code = rfc6455.parse_close_code(payload)
            if not self._closing:
                self._closing = True
                self._transport.write(rfc6455.close_frame(code))
            self._transport.close()
            self._enqueue(_DISCONNECT_MESSAGE, 0)
        elif self._closing:
            return
        elif opcode == BINARY:
            self._enqueue({"type": "websocket.receive", "bytes": payload}, len(payload))
        elif opcode == TEXT:
            self._enqueue({"type": "websocket.receive", "text": ""}, 0)
        elif opcode == PING:
            self._transport.write(rfc6455.frame_header(rfc6455.PONG, len(payload)) + payload)

    def _enqueue(self, message: Message, size: int) -> None:
        self._inbox.append(message)
        self._inbox_bytes += size
        if not self._closing and (len(self._inbox) >= _MAX_UNREAD_MESSAGES or self._inbox_bytes >= _MAX_UNREAD_BYTES):
            self._transport.pause_reading()
        _wake(self._receive_waiter)


def _to_frame(data: bytes) -> bytes:
    return (_SHORT_HEADERS[len(data)] if len(data) < _SHORT_PAYLOAD_BYTES else rfc6455.frame_header(BINARY, len(data))) + data


def _wake(waiter: "asyncio.Future[None] | None") -> None:
    if waiter is not None and not waiter.done():
        waiter.set_result(None)
