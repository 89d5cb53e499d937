"""Reads and writes websocket frames (RFC 6455, server side, no extensions). No I/O.

An own implementation because an idle socket should cost little: the parser of `websockets` holds a generator, a reader and an
exception chain for each connection (5 to 8 KB); this one holds nothing between messages. A test compares it with `websockets` on
generated streams.
"""

from dataclasses import dataclass
from typing import Any, Final

try:
    from websockets.speedups import apply_mask  # 0.05 ms a MiB, where integers in Python took 5
except ImportError:  # where it was not built
    from websockets.utils import apply_mask

CONTINUATION: Final = 0
TEXT: Final = 1
BINARY: Final = 2
CLOSE: Final = 8
PING: Final = 9
PONG: Final = 10

_OPCODES: Final = frozenset((CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG))
_MIN_HEAD_BYTES: Final = 2
_MAX_CONTROL_BYTES: Final = 125
_MAX_REASON_BYTES: Final = 123
_MAX_MESSAGE_PARTS: Final = 4096
_CLOSE_CODES: Final = frozenset({1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014})


@dataclass(frozen=True, slots=True)
class CloseFrame:
    """How a connection ends: a code of RFC 6455 or of the application, and a reason for developers."""

    code: int
    reason: str = ""

    @property
    def truncated_reason(self) -> str:
        """The reason as far as it fits into a close frame."""
        return self.reason.encode()[:_MAX_REASON_BYTES].decode(errors="ignore")

    def to_asgi_message(self) -> dict[str, Any]:
        return {"type": "websocket.close", "code": self.code, "reason": self.truncated_reason}


class ProtocolError(Exception):
    """The bytes are not websocket frames, or a message is larger than is accepted: close with this code."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class FrameReader:
    """Turns bytes (`feed`) into messages (`next_message`), one at a time, so that the caller decides how many are read."""

    __slots__ = (
        "_buffer",
        "_message_bytes",
        "_missing_bytes",
        "_offset",
        "_opcode",
        "_parts",
        "expected_bytes",
        "max_message_bytes",
    )

    def __init__(self, max_message_bytes: int) -> None:
        self.max_message_bytes = max_message_bytes
        self.expected_bytes = 0
        """Size of the message that has begun to arrive, as far as it is announced; 0 between messages."""
        self._buffer: bytes | bytearray = b""
        self._offset = 0  # where the next frame begins in the buffer
        self._missing_bytes = 0  # length that the buffer must have before the next frame can be whole
        self._opcode = 0
        self._parts: list[bytes] | None = None
        self._message_bytes = 0

    def feed(self, data: bytes) -> None:
        """Add received bytes. Read all messages before feeding more, or what waits is copied."""
        if not self._buffer:
            self._buffer = data
            return
        if isinstance(self._buffer, bytes) or self._offset:
            self._buffer = bytearray(memoryview(self._buffer)[self._offset :])
            self._offset = 0
        self._buffer += data

    @property
    def has_data(self) -> bool:
        """Whether bytes wait that were not returned as messages yet."""
        return bool(self._buffer)

    def discard(self) -> None:
        """Drop everything that was received."""
        self._buffer, self._offset, self._missing_bytes, self.expected_bytes = b"", 0, 0, 0
        self._parts, self._message_bytes = None, 0

    def next_message(self) -> tuple[int, bytes] | None:
        """The next whole message or control frame: (TEXT, BINARY, CLOSE, PING or PONG; payload). None: more bytes are needed.

        Raises `ProtocolError`.
        """
        while (frame := self._next_frame()) is not None:
            opcode, is_final, payload = frame
            if opcode >= CLOSE:
                return opcode, payload
            if (message := self._assemble_message(opcode, is_final, payload)) is not None:
                return message
        return None

    def _next_frame(self) -> tuple[int, bool, bytes] | None:
        buffer, offset = self._buffer, self._offset
        available = len(buffer) - offset
        if available < _MIN_HEAD_BYTES or available < self._missing_bytes:
            self._suspend(available)
            return None
        first, second = buffer[offset], buffer[offset + 1]
        opcode, length, start = first & 0x0F, second & 0x7F, offset + 2
        if first & 0x70:
            raise ProtocolError(1002, "reserved bits must be 0")
        if opcode not in _OPCODES:
            raise ProtocolError(1002, "unknown opcode")
        if not second & 0x80:
            raise ProtocolError(1002, "frames must be masked")
        if opcode >= CLOSE and (length > _MAX_CONTROL_BYTES or not first & 0x80):
            raise ProtocolError(1002, "a control frame must be short and whole")
        if length >= 126:
            wide = 2 if length == 126 else 8
            if len(buffer) < start + wide:
                self._suspend(available)
                return None
            length = int.from_bytes(buffer[start : start + wide], "big")
            start += wide
        if length + self._message_bytes > self.max_message_bytes and opcode < CLOSE:
            raise ProtocolError(1009, f"A message may have {self.max_message_bytes} bytes.")
        end = start + 4 + length
        if len(buffer) < end:
            self._missing_bytes = end - offset
            self.expected_bytes = length + self._message_bytes
            self._suspend(available)
            return None
        self._missing_bytes = 0
        self.expected_bytes = self._message_bytes
        payload = apply_mask(buffer[start + 4 : end], buffer[start : start + 4])
        if end == len(buffer):
            self._buffer, self._offset = b"", 0
        else:
            self._offset = end
        return opcode, bool(first & 0x80), payload

    def _suspend(self, available: int) -> None:
        """Hold only the beginning of a frame, in a form that grows without being copied."""
        if not available:
            self._buffer, self._offset = b"", 0
        elif isinstance(self._buffer, bytes) or self._offset:
            self._buffer, self._offset = bytearray(memoryview(self._buffer)[self._offset :]), 0

    def _assemble_message(self, opcode: int, is_final: bool, payload: bytes) -> tuple[int, bytes] | None:
        if (opcode == CONTINUATION) != (self._parts is not None):
            raise ProtocolError(1002, "a message must be continued, and nothing else")
        if self._parts is None:
            if is_final:
                return opcode, payload
            self._opcode, self._parts = opcode, []
        if len(self._parts) >= _MAX_MESSAGE_PARTS:
            raise ProtocolError(1009, f"A message may have {_MAX_MESSAGE_PARTS} frames.")
        self._parts.append(payload)
        self._message_bytes += len(payload)
        if not is_final:
            self.expected_bytes = self._message_bytes
            return None
        whole = b"".join(self._parts)
        self._parts, self._message_bytes, self.expected_bytes = None, 0, 0
        return self._opcode, whole


def frame_header(opcode: int, length: int, *, is_final: bool = True) -> bytes:
    """The head of a frame from the server with so many bytes of payload: a message, or its last part (`is_final`)."""
    first = 0x80 | opcode if is_final else opcode
    if length < 126:
        return bytes((first, length))
    if length < 65_536:
        return bytes((first, 126, length >> 8, length & 0xFF))
    return bytes((first, 127)) + length.to_bytes(8, "big")


SHORT_PAYLOAD_BYTES: Final = 1024
SHORT_HEADERS: Final = {
    opcode: [frame_header(opcode, length) for length in range(SHORT_PAYLOAD_BYTES)] for opcode in (TEXT, BINARY)
}
"""The heads of messages with fewer bytes, by their opcode and number."""


def close_frame(code: int | None, reason: str = "") -> bytes:
    """The bytes of a close frame, without a code when there is none."""
    payload = b"" if code is None else code.to_bytes(2, "big") + reason.encode()
    return frame_header(CLOSE, len(payload)) + payload


def parse_close_code(payload: bytes) -> int | None:
    """The code in a client's close frame. Raises `ProtocolError` for a malformed one."""
    if not payload:
        return None
    code = int.from_bytes(payload[:2], "big")
    if len(payload) == 1 or not (code in _CLOSE_CODES or 3000 <= code < 5000):
        raise ProtocolError(1002, "invalid close frame")
    try:
        payload[2:].decode()
    except UnicodeDecodeError:
        raise ProtocolError(1007, "invalid UTF-8") from None
    return code
