"""Carries a websocket on a transport detached from uvicorn after the handshake, without ASGI between.

A message goes to its receiver as soon as it is read, and leaves in the write that it is handed over with: what a message costs
beside the kernel's part is a few microseconds (see benchmarks/live and benchmarks/collaboration). The handshake, its routes and
the check of origins stay ASGI; a server that does not offer to detach its transport serves the same receivers over ASGI.

Bounds. What arrives at once is handled within a small budget of messages and time, the rest in fair turns with the others'
(`transport.fair_turns`); messages and control frames of any kind count towards the rate that a connection may have. Only the
latest of several pings is answered, and none while the client does not read. A message above the default size needs a share of
the process' `LargeMessageBudget` and has a minute to arrive. After its close frame a connection has a second to end.
"""

import asyncio
import os
from collections.abc import Sequence
from time import monotonic
from typing import Final

from transport import rfc6455
from transport.connection_table import ConnectionTable
from transport.fair_turns import MAX_TURN_MESSAGES, MAX_TURN_SECONDS
from transport.message_budget import LargeMessageBudget, MessageBudget, frame_cost
from transport.message_receiver import MessageReceiver
from transport.rfc6455 import CLOSE, PING, PONG, SHORT_HEADERS, SHORT_PAYLOAD_BYTES, CloseFrame, FrameReader, ProtocolError
from transport.uvicorn_websocket import OnDisconnect
from transport.write_batch import WriteBatch
from transport.write_turns import SLICE_BYTES

_HIGH_WATER_BYTES: Final = 32 * 1024
_MAX_BYTES_AFTER_CLOSE: Final = 64 * 1024
CLOSE_TIMEOUT_SECONDS: Final = 1.0
_LARGE_MESSAGE_TIMEOUT_SECONDS: Final = 60.0
_PING_FRAME: Final = rfc6455.frame_header(PING, 0)
_TOO_MANY_MESSAGES: Final = CloseFrame(1008, "Too many messages.")
_TOO_MANY_CONNECTIONS: Final = CloseFrame(1013, "Too many connections; try again.")
_RESTARTING: Final = CloseFrame(1012, "")

# Why a connection is not read from: several may hold at once.
_UNREAD_BACKLOG, _CLIENT_DOES_NOT_READ, _RECEIVER_IS_FULL, _CLIENT_IGNORES_CLOSE = 1, 2, 4, 8


class DirectWebSocket(asyncio.Protocol):
    """The protocol of a detached transport. It sends and receives messages of one opcode, TEXT or BINARY."""

    __slots__ = (
        "_address",
        "_bytes_after_close",
        "_close_timeout_seconds",
        "_closing",
        "_default_message_bytes",
        "_headers",
        "_in_turns",
        "_large_message_timer",
        "_large_messages",
        "_on_disconnect",
        "_opcode",
        "_pauses",
        "_pong_payload",
        "_reader",
        "_receiver",
        "_reserved_bytes",
        "_table",
        "_transport",
        "_turns",
        "_write_batch",
        "budget",
        "descriptor",
        "is_within_message",
        "is_writable",
        "pending_frames",
        "write_turns",
    )

    def __init__(
        self,
        opcode: int,
        *,
        max_message_bytes: int,
        on_disconnect: OnDisconnect,
        table: ConnectionTable,
        close_timeout_seconds: float = CLOSE_TIMEOUT_SECONDS,
        write_batch: WriteBatch | None = None,
        large_messages: LargeMessageBudget | None = None,
    ) -> None:
        """`max_message_bytes` holds until `set_max_message_bytes`; what is larger then needs a share of `large_messages`.
        `on_disconnect` is called with this when the transport is lost."""
        self._opcode = opcode
        self._headers = SHORT_HEADERS[opcode]
        self._reader = FrameReader(max_message_bytes)
        self._default_message_bytes = max_message_bytes
        self._close_timeout_seconds = close_timeout_seconds
        self._write_batch = write_batch
        self._large_messages = large_messages or LargeMessageBudget()
        self._reserved_bytes = 0
        self._large_message_timer: asyncio.TimerHandle | None = None
        self._on_disconnect = on_disconnect
        self._table = table
        self._turns = table.turns
        self._in_turns = False
        self._address = ""
        self._receiver: MessageReceiver | None = None
        self._closing = False
        self._bytes_after_close = 0
        self._pauses = 0
        self._pong_payload: bytes | None = None
        self.budget: MessageBudget | None = None
        """How many messages the client may send; unlimited without one."""
        self.descriptor = -1
        self.pending_frames = b""
        self.is_writable = True
        self.is_within_message = False  # parts of it are still to be sent, between which only control frames may be
        self.write_turns = table.write_turns

    def set_transport(self, transport: asyncio.Transport) -> None:
        """Go on with a transport whose handshake is done."""
        self._transport = transport
        transport.set_write_buffer_limits(high=_HIGH_WATER_BYTES, low=0)
        transport.set_protocol(self)
        # Nothing waits in the transport while its buffer is empty, so what is written past it stays in order.
        plain = transport.get_extra_info("sslcontext") is None
        self.descriptor = transport.get_extra_info("socket").fileno() if plain else -1
        peer = transport.get_extra_info("peername")
        self._address = peer[0] if isinstance(peer, tuple) else ""
        transport.resume_reading()  # uvicorn stops after each message, and may have done so

    def attach(self, receiver: MessageReceiver) -> None:
        """Hand messages to a receiver from now on."""
        self._receiver = receiver

    # From the transport.

    def data_received(self, data: bytes) -> None:
        reader = self._reader
        if self._closing:
            # The client's close frame is waited for, but not behind as much as it may want to send before it.
            self._bytes_after_close += len(data)
            if self._bytes_after_close > _MAX_BYTES_AFTER_CLOSE:
                reader.discard()
                self._pause_reading(_CLIENT_IGNORES_CLOSE)
                return
        reader.feed(data)
        if self._pauses:
            return  # handled when it is its turn, or when there is room
        if self._turns.has_backlog(self._address) or self._read_messages(None):
            self._wait_for_turn()

    def eof_received(self) -> bool:
        self._schedule_abort()
        return False

    def pause_writing(self) -> None:
        """The client does not read: it is not read from either."""
        self.is_writable = False
        if not self._closing:
            self._pause_reading(_CLIENT_DOES_NOT_READ)

    def resume_writing(self) -> None:
        self.is_writable = True
        if self._closing:
            return
        self._resume_reading(_CLIENT_DOES_NOT_READ)
        if self._receiver is not None:
            self._receiver.on_writable()

    def connection_lost(self, exc: Exception | None) -> None:
        self._closing = True
        self.descriptor = -1
        self._reader.discard()
        self.release_large_message()
        self._on_disconnect(self)
        receiver, self._receiver = self._receiver, None
        if receiver is not None:
            receiver.close(None)

    @property
    def is_idle(self) -> bool:
        return not self._in_turns

    def evict(self) -> None:
        self._end(_TOO_MANY_CONNECTIONS)
        self._transport.close()  # the client's answer is not waited for

    def abort(self) -> None:
        self._transport.abort()

    def shutdown(self) -> None:
        """Called by uvicorn when the server stops."""
        self._end(_RESTARTING)

    # From fair turns.

    def continue_reading(self, deadline: float) -> bool:
        if not self._pauses & ~_UNREAD_BACKLOG and self._read_messages(deadline):
            return True
        self._in_turns = False
        self._resume_reading(_UNREAD_BACKLOG)
        return False

    # From the receiver.

    def send(self, payloads: Sequence[bytes]) -> None:
        """Send messages in one write, without waiting."""
        if self._closing:
            return
        self.write_frames(self._to_frame(payloads[0]) if len(payloads) == 1 else b"".join(map(self._to_frame, payloads)))

    def write_frames(self, frames: bytes) -> None:
        """Write whole frames, without waiting."""
        transport = self._transport
        # A closing transport may have given its descriptor back, and another connection may have it by now.
        if self.descriptor >= 0 and not transport.is_closing() and not transport.get_write_buffer_size():
            try:
                written = os.write(self.descriptor, frames)
            except OSError:
                written = 0  # full, or broken: the transport finds out
            frames = frames[written:]
        if frames:
            transport.write(frames)

    def send_now(self, payload: bytes) -> bool:
        """Send a message with the write batch, if nothing waits before it; False: nothing was sent."""
        batch, transport = self._write_batch, self._transport
        if batch is None or self._closing or self.is_within_message or len(payload) > SLICE_BYTES:
            return False
        if not batch.depth:
            with batch:
                return self.send_now(payload)
        if not self.pending_frames and (self.descriptor < 0 or transport.is_closing() or transport.get_write_buffer_size()):
            return False
        batch.add(self, batch.to_frame(payload, self._to_frame))
        return True

    def write_rest(self, frames: bytes, written: int) -> None:
        self._transport.write(memoryview(frames)[written:])

    def ping(self) -> bool:
        """Send a ping of the protocol; it is left out while the client does not read."""
        if not self._closing and self.is_writable:
            self._transport.write(_PING_FRAME)
        return True

    @property
    def is_closing(self) -> bool:
        """Whether nothing more is sent."""
        return self._closing

    def mark_authenticated(self) -> None:
        """The client has signed in: its connection is closed after those of strangers when there are too many."""
        self._table.mark_authenticated(self)

    def set_max_message_bytes(self, message_bytes: int) -> None:
        """Accept messages up to this size from now on."""
        self._reader.max_message_bytes = message_bytes

    def pause_reading(self) -> None:
        """The receiver takes no more messages for now."""
        if not self._closing:
            self._pause_reading(_RECEIVER_IS_FULL)

    def resume_reading(self) -> None:
        """The receiver takes messages again; those that were received meanwhile come in a later turn of the loop."""
        self._resume_reading(_RECEIVER_IS_FULL)

    def close(self, frame: CloseFrame | None) -> None:
        """End the connection within a second, with a close frame or by closing the transport. The first call decides."""
        if self._closing:
            return
        self._closing = True
        self._schedule_abort()
        if frame is None:
            self._transport.close()
            return
        if self._pauses & ~_UNREAD_BACKLOG:
            self._resume_reading(~_UNREAD_BACKLOG)  # the client's close frame is waited for
        self._transport.write(rfc6455.close_frame(frame.code, frame.truncated_reason))

    # Inside.

    def _to_frame(self, payload: bytes) -> bytes:
        length = len(payload)
        return (self._headers[length] if length < SHORT_PAYLOAD_BYTES else rfc6455.frame_header(self._opcode, length)) + payload

    def _end(self, frame: CloseFrame) -> None:
        """End the connection for a reason that the receiver does not know yet."""
        if self._receiver is not None:
            self._receiver.close(frame)
        self.close(frame)

    def _schedule_abort(self) -> None:
        asyncio.get_running_loop().call_later(self._close_timeout_seconds, self._transport.abort)

    def _pause_reading(self, reason: int) -> None:
        if not self._pauses:
            self._transport.pause_reading()
        self._pauses |= reason

    def _resume_reading(self, reasons: int) -> None:
        if not self._pauses & reasons:
            return
        was_only_backlog = self._pauses == _UNREAD_BACKLOG
        self._pauses &= ~reasons
        if self._pauses or self._transport.is_closing():
            return
        if was_only_backlog or not self._reader.has_data:
            self._transport.resume_reading()
        elif not self._in_turns:
            self._wait_for_turn()

    def _wait_for_turn(self) -> None:
        self._in_turns = True
        self._pause_reading(_UNREAD_BACKLOG)
        self._turns.add(self._address, self)

    def _read_messages(self, deadline: float | None) -> bool:
        """Handle received messages until the turn is over; whether there may be more to handle in a later one."""
        reader = self._reader
        try:
            message = reader.next_message()
            if message is not None:
                self._handle_frame(*message)
                # Most packets hold one message: for these the clock is not asked.
                count = 0
                while not self._pauses & ~_UNREAD_BACKLOG and (message := reader.next_message()) is not None:
                    if deadline is None:
                        deadline = monotonic() + MAX_TURN_SECONDS
                    self._handle_frame(*message)
                    count += 1
                    if count >= MAX_TURN_MESSAGES or monotonic() >= deadline:
                        return not self._transport.is_closing()
        except ProtocolError as error:
            self._end(CloseFrame(error.code, error.reason))
            reader.discard()
            return False
        finally:
            if self._pong_payload is not None:
                self._send_pong()
        if reader.expected_bytes > self._default_message_bytes and reader.expected_bytes > self._reserved_bytes:
            self._reserve_large_message(reader.expected_bytes)
        return False

    def _handle_frame(self, opcode: int, payload: bytes) -> None:
        if opcode == CLOSE:
            code = rfc6455.parse_close_code(payload)
            if not self._closing:
                self._closing = True
                self._transport.write(rfc6455.close_frame(code))
                self._schedule_abort()
            self._transport.close()
            self._reader.discard()
            if self._receiver is not None:
                self._receiver.close(None)
            return
        receiver = self._receiver
        if self._closing or receiver is None:
            return
        if self.budget is not None and not self.budget.take(frame_cost(len(payload))):
            self._end(receiver.on_rate_exceeded() or _TOO_MANY_MESSAGES)
        elif opcode == self._opcode:
            receiver.on_message(payload)
        elif opcode == PING:
            self._pong_payload = payload
        elif opcode == PONG:
            receiver.on_pong()
        else:
            receiver.on_wrong_opcode()

    def _send_pong(self) -> None:
        payload, self._pong_payload = self._pong_payload, None
        if payload is not None and not self._closing and self.is_writable:
            self._transport.write(rfc6455.frame_header(PONG, len(payload)) + payload)

    # Large messages.

    def _reserve_large_message(self, size: int) -> None:
        """A large message has begun: it has a minute to arrive, and only so many bytes may arrive at a time."""
        if self._large_messages.available_bytes < size - self._reserved_bytes:
            self._end(CloseFrame(1013, "Too many large messages come at once; try again."))
            return
        self._large_messages.available_bytes -= size - self._reserved_bytes
        self._reserved_bytes = size
        if self._large_message_timer is None:
            self._large_message_timer = asyncio.get_running_loop().call_later(
                _LARGE_MESSAGE_TIMEOUT_SECONDS, self._on_large_message_timeout
            )

    def release_large_message(self) -> None:
        """Give back the share of a large message, unless more of it is to arrive: the receiver is done with it."""
        if not self._reserved_bytes or (self._reader.expected_bytes and not self._closing):
            return
        self._large_messages.available_bytes += self._reserved_bytes
        self._reserved_bytes = 0
        if self._large_message_timer is not None:
            self._large_message_timer.cancel()
            self._large_message_timer = None

    def _on_large_message_timeout(self) -> None:
        self._large_message_timer = None
        if self._reader.expected_bytes:
            self._end(CloseFrame(1008, "The message arrives too slowly."))
