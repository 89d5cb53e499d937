"""Frames of websockets, read and written (RFC 6455, server side, no extensions). No I/O.

Our own because an idle socket should cost little: the parser of `websockets` keeps a generator, a reader and an exception chain
for each connection (5 to 8 KB), this keeps nothing between messages. It is compared with `websockets` by a test on generated
streams.
"""

from typing import Final

TEXT: Final = 1
BINARY: Final = 2
CLOSE: Final = 8
PING: Final = 9
PONG: Final = 10

_CONTINUATION: Final = 0
_MAX_CONTROL_BYTES: Final = 125
_CLOSE_CODES: Final = frozenset({1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014})


class ProtocolError(Exception):
    """The stream is not one of websocket frames, or carries more than is accepted: close with this code."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class FrameReader:
    """Takes bytes in, gives messages out."""

    __slots__ = ("_buffer", "_message_bytes", "_needed_bytes", "_opcode", "_parts", "expected_bytes", "max_message_bytes")

    def __init__(self, max_message_bytes: int) -> None:
        """`limit`: bytes of one message."""
        self.max_message_bytes = max_message_bytes
        self.expected_bytes = 0  # bytes of the message that has begun to come, as far as they were announced
        self._buffer: bytes | bytearray = b""
        self._needed_bytes = 0
        self._opcode = 0
        self._parts: list[bytes] | None = None
        self._message_bytes = 0

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """The messages and control frames that are complete now: (TEXT, BINARY, CLOSE, PING or PONG; payload). Raises
        `Broken`."""
        if self._buffer:
            # A long frame is put together once, when it is whole.
            self._buffer += data
            if len(self._buffer) < self._needed_bytes:
                return []
            data = bytes(self._buffer)
            self._buffer = b""
        self._needed_bytes = self.expected_bytes = 0
        found: list[tuple[int, bytes]] = []
        at = 0
        while (frame := self._parse_frame(data, at)) is not None:
            opcode, final, payload, at = frame
            if opcode >= CLOSE:
                found.append((opcode, payload))
            elif (message := self._assemble_message(opcode, final, payload)) is not None:
                found.append(message)
        if at < len(data):
            self._buffer = bytearray(data[at:])
        self.expected_bytes = max(self.expected_bytes, self._message_bytes)
        return found

    def _parse_frame(self, data: bytes, offset: int) -> tuple[int, bool, bytes, int] | None:
        """The frame that begins there, and where the next one does; None when it is not complete."""
        if len(data) < offset + 2:
            return None
        first, second = data[offset], data[offset + 1]
        opcode, length, start = first & 0x0F, second & 0x7F, offset + 2
        if first & 0x70:
            raise ProtocolError(1002, "reserved bits must be 0")
        if opcode not in (_CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG):
            raise ProtocolError(1002, "unknown opcode")
        if not second & 0x80:
            raise ProtocolError(1002, "frames must be masked")
        if opcode >= CLOSE and (length > _MAX_CONTROL_BYTES or not first & 0x80):
            raise ProtocolError(1002, "a control frame must be short and whole")
        if length >= 126:
            wide = 2 if length == 126 else 8
            if len(data) < start + wide:
                return None
            length = int.from_bytes(data[start : start + wide], "big")
            start += wide
        if length + self._message_bytes > self.max_message_bytes and opcode < CLOSE:
            raise ProtocolError(1009, f"A message may have {self.max_message_bytes} bytes.")
        end = start + 4 + length
        if len(data) < end:
            self._needed_bytes = end - offset
            self.expected_bytes = length + self._message_bytes
            return None
        return opcode, bool(first & 0x80), _unmask(data[start : start + 4], data[start + 4 : end]), end

    def _assemble_message(self, opcode: int, is_final: bool, payload: bytes) -> tuple[int, bytes] | None:
        if (opcode == _CONTINUATION) != (self._parts is not None):
            raise ProtocolError(1002, "a message must be continued, and nothing else")
        if self._parts is None:
            if is_final:
                return opcode, payload
            self._opcode, self._parts = opcode, []
        self._parts.append(payload)
        self._message_bytes += len(payload)
        if not is_final:
            return None
        whole = b"".join(self._parts)
        self._parts, self._message_bytes = None, 0
        return self._opcode, whole


def _unmask(mask: bytes, payload: bytes) -> bytes:
    length = len(payload)
    repeated = (mask * (length // 4 + 1))[:length]
    return (int.from_bytes(payload, "little") ^ int.from_bytes(repeated, "little")).to_bytes(length, "little")


def frame_header(opcode: int, length: int) -> bytes:
    """What stands before a whole message from the server."""
    if length < 126:
        return bytes((0x80 | opcode, length))
    if length < 65_536:
        return bytes((0x80 | opcode, 126, length >> 8, length & 0xFF))
    return bytes((0x80 | opcode, 127)) + length.to_bytes(8, "big")


def close_frame(code: int | None, reason: str = "") -> bytes:
    """A close frame, without a code when there is none."""
    payload = b"" if code is None else code.to_bytes(2, "big") + reason.encode()
    return frame_header(CLOSE, len(payload)) + payload


def parse_close_code(payload: bytes) -> int | None:
    """The code in a client's close frame. Raises `Broken` for what is none."""
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
