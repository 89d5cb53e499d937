"""Lets a task receive the messages of a direct websocket one after another, in the words of ASGI.

What is received waits here in a small inbox; while it is full, the connection is not read from, so a client is only as fast as
its messages are handled. What is sent goes out at once, a large message in slices (`transport.write_turns`).
"""

import asyncio
from collections import deque
from typing import Final

from starlette.types import Message

from transport import rfc6455
from transport.direct_websocket import DirectWebSocket
from transport.message_gate import MessageGate
from transport.rfc6455 import BINARY, CONTINUATION, CloseFrame
from transport.write_turns import SLICE_BYTES

_MAX_UNREAD_MESSAGES: Final = 32
_MAX_UNREAD_BYTES: Final = 256 * 1024
_DISCONNECT_MESSAGE: Final[Message] = {"type": "websocket.disconnect", "code": 1006}


class MessageStream:
    """The receiver of one connection's binary messages, and what sends to it."""

    __slots__ = (
        "_drain_waiter",
        "_gate",
        "_inbox",
        "_inbox_bytes",
        "_is_closed",
        "_receive_waiter",
        "_socket",
        "mark_authenticated",
        "send_now",
        "set_max_message_bytes",
    )

    def __init__(self, socket: DirectWebSocket, gate: MessageGate | None = None) -> None:
        """`gate`: where messages wait until they are handled together with others'."""
        self._socket = socket
        self._gate = gate or MessageGate()
        self._inbox: deque[Message] = deque()
        self._inbox_bytes = 0
        self._is_closed = False
        self._receive_waiter: asyncio.Future[None] | None = None
        self._drain_waiter: asyncio.Future[None] | None = None
        self.mark_authenticated = socket.mark_authenticated
        self.send_now = socket.send_now
        self.set_max_message_bytes = socket.set_max_message_bytes
        socket.attach(self)

    # From the socket.

    def on_message(self, payload: bytes) -> None:
        self._enqueue({"type": "websocket.receive", "bytes": payload}, len(payload))

    def on_wrong_opcode(self) -> None:
        self._enqueue({"type": "websocket.receive", "text": ""}, 0)

    def on_pong(self) -> None:
        """Nothing waits for it."""

    def on_writable(self) -> None:
        _wake(self._drain_waiter)

    def on_rate_exceeded(self) -> CloseFrame | None:
        return None

    def close(self, frame: CloseFrame | None) -> None:
        self._is_closed = True
        _wake(self._receive_waiter)
        _wake(self._drain_waiter)

    # From the task.

    async def receive(self) -> Message:
        """The next message; `websocket.disconnect` at the end, and from then on."""
        if not self._inbox:
            self._socket.release_large_message()
        while not self._inbox:
            if self._is_closed:
                return _DISCONNECT_MESSAGE
            self._receive_waiter = asyncio.get_running_loop().create_future()
            try:
                await self._receive_waiter
            finally:
                self._receive_waiter = None
        message = self._inbox.popleft()
        self._inbox_bytes -= len(message.get("bytes") or b"")
        if not self._inbox:
            self._socket.resume_reading()
        return message

    async def send(self, message: Message) -> None:
        """Send or close; returns when more can be sent. Raises RuntimeError when the connection is closed."""
        socket = self._socket
        if message["type"] == "websocket.close":
            socket.close(CloseFrame(message["code"], message["reason"]))
            self.close(None)
            return
        if socket.is_closing:
            raise RuntimeError("The connection is closed.")
        data: bytes = message["bytes"]
        if len(data) > SLICE_BYTES:
            await self._send_in_slices(data)
        elif not socket.send_now(data):
            socket.send((data,))
        await self._drain()

    async def _send_in_slices(self, data: bytes) -> None:
        """Send a large message as several frames, between which other connections have their turns."""
        socket = self._socket
        turns, view, size = socket.write_turns, memoryview(data), len(data)
        place, opcode = turns.begin(), BINARY
        socket.is_within_message = True
        try:
            for start in range(0, size, SLICE_BYTES):
                await self._drain()
                await turns.turn(place)
                if socket.is_closing:
                    raise RuntimeError("The connection is closed.")
                part = view[start : start + SLICE_BYTES]
                header = rfc6455.frame_header(opcode, len(part), is_final=start + SLICE_BYTES >= size)
                socket.write_frames(b"".join((header, part)))
                opcode = CONTINUATION
        finally:
            socket.is_within_message = False

    async def _drain(self) -> None:
        """Wait until more can be sent."""
        while not self._socket.is_writable and not self._is_closed:
            self._drain_waiter = asyncio.get_running_loop().create_future()
            try:
                await self._drain_waiter
            finally:
                self._drain_waiter = None

    def release(self) -> None:
        """Nobody receives or sends any more: the connection ends soon, also when the client does not answer."""
        self._socket.close(None)

    def _enqueue(self, message: Message, size: int) -> None:
        self._inbox.append(message)
        self._inbox_bytes += size
        if len(self._inbox) >= _MAX_UNREAD_MESSAGES or self._inbox_bytes >= _MAX_UNREAD_BYTES:
            self._socket.pause_reading()
            _wake(self._receive_waiter)
        elif self._receive_waiter is not None and len(self._inbox) == 1:
            self._gate.wake(self._receive_waiter)


def _wake(waiter: "asyncio.Future[None] | None") -> None:
    if waiter is not None and not waiter.done():
        waiter.set_result(None)
