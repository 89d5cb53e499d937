"""Encodes and decodes the messages of y-websocket and Hocuspocus, the protocols of stock Yjs providers. No I/O.

y-websocket: one document a connection; a message is its type and its content. Hocuspocus puts the document's name before that, so
that one connection may hold several, and adds authentication, acknowledgements (`SYNC_STATUS`) and stateless messages. The first
byte of a connection tells them apart: a type is at most 3 in y-websocket's, and a document's name is longer than that.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property

from content.lib0 import encode_varint

MAX_NAME_CHARS = 256
MAX_AWARENESS_STATES = 4_000  # a room has half as many
MAX_AWARENESS_BYTES = 64 * 1024
MAX_STATE_VECTOR_BYTES = 64 * 1024
_MAX_SAFE_INTEGER = 2**53 - 1


class MessageType(IntEnum):
    """The type of a message; from STATELESS on, Hocuspocus only."""

    SYNC = 0
    AWARENESS = 1
    AUTH = 2
    QUERY_AWARENESS = 3
    STATELESS = 5
    CLOSE = 7
    SYNC_STATUS = 8
    PING = 9
    PONG = 10


class SyncStep(IntEnum):
    """The content of a SYNC message: a state vector, what a client with that vector is missing, or an edit."""

    STEP_1 = 0
    STEP_2 = 1
    UPDATE = 2


class MalformedMessage(ValueError):
    """Bytes that are no message of the protocol."""


@dataclass(frozen=True)
class AwarenessState:
    """The awareness of one client. `state` is JSON; "null" means that it left."""

    client: int
    clock: int
    state: str

    @cached_property
    def encoded(self) -> bytes:
        """The state as part of an awareness update: everybody who joins is sent it."""
        return encode_varint(self.client) + encode_varint(self.clock) + with_length(self.state.encode())


class MessageReader:
    """Reads a message from its beginning. Every method raises MalformedMessage."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._offset = 0

    @property
    def is_done(self) -> bool:
        return self._offset >= len(self._data)

    def read_varint(self) -> int:
        value = self._data[self._offset] if self._offset < len(self._data) else 0x80
        if value < 0x80:  # mostly
            self._offset += 1
            return value
        value = shift = 0
        while True:
            if self._offset >= len(self._data):
                raise MalformedMessage("The message ends early.")
            byte = self._data[self._offset]
            self._offset += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                break
            shift += 7
            if shift > 49:
                raise MalformedMessage("A number in the message is too large.")
        if value > _MAX_SAFE_INTEGER:
            raise MalformedMessage("A number in the message is too large.")
        return value

    def read_bytes(self) -> bytes:
        length = self.read_varint()
        end = self._offset + length
        if end > len(self._data):
            raise MalformedMessage("The message ends early.")
        found = self._data[self._offset : end]
        self._offset = end
        return found

    def read_text(self) -> str:
        return _decoded(self.read_bytes())


def with_length(data: bytes) -> bytes:
    """Bytes with their length in front."""
    return encode_varint(len(data)) + data


def sync_message(step: SyncStep, data: bytes, *, prefix: bytes = b"") -> bytes:
    """A SYNC message behind a prefix; the data, which may be large, are copied once."""
    return b"".join((prefix, bytes((MessageType.SYNC, step)), encode_varint(len(data)), data))


def awareness_message(update: bytes) -> bytes:
    """An AWARENESS message."""
    return bytes((MessageType.AWARENESS,)) + with_length(update)


QUERY_AWARENESS = bytes((MessageType.QUERY_AWARENESS,))
PING = bytes((MessageType.PING,))
PONG = bytes((MessageType.PONG,))


def sync_status_message(*, is_durable: bool) -> bytes:
    """Hocuspocus: whether the client's edit is durable."""
    return bytes((MessageType.SYNC_STATUS, is_durable))


def authenticated_message(*, may_write: bool) -> bytes:
    """Hocuspocus: the client is authenticated, and may write or only read."""
    return bytes((MessageType.AUTH, 2)) + with_length(b"read-write" if may_write else b"readonly")


def permission_denied_message(reason: str) -> bytes:
    """Hocuspocus: the client may not open the document, and why."""
    return bytes((MessageType.AUTH, 1)) + with_length(reason.encode())


def y_permission_denied_message(reason: str) -> bytes:
    """y-protocols' auth: something is not permitted, and why."""
    return bytes((MessageType.AUTH, 0)) + with_length(reason.encode())


def closed_message(reason: str) -> bytes:
    """Hocuspocus: this document is closed for the client; others on the same connection stay open."""
    return bytes((MessageType.CLOSE,)) + with_length(reason.encode())


def stateless_message(payload: str) -> bytes:
    """Hocuspocus: a message of the application, here JSON."""
    return bytes((MessageType.STATELESS,)) + with_length(payload.encode())


def decode_awareness(update: bytes, known_clock: Callable[[int], int] = lambda client: -1) -> list[AwarenessState]:
    """
    The states in an awareness update, of at most `MAX_AWARENESS_STATES`, but those whose clock is not newer than the known one
    of their client, unless it ends their presence. Raises MalformedMessage.
    """
    reader = MessageReader(update)
    count = reader.read_varint()
    if count * 3 > len(update):
        raise MalformedMessage("The message promises more than it holds.")
    if count > MAX_AWARENESS_STATES:
        raise MalformedMessage("The message tells of too many clients.")
    states = []
    for _ in range(count):
        client, clock, state = reader.read_varint(), reader.read_varint(), reader.read_bytes()
        if clock > known_clock(client) or state == b"null":
            states.append(AwarenessState(client, clock, _decoded(state)))
    if not reader.is_done:
        raise MalformedMessage("Bytes follow the end of the message.")
    return states


def _decoded(text: bytes) -> str:
    try:
        return text.decode()
    except UnicodeDecodeError:
        raise MalformedMessage("The message holds text that is not UTF-8.") from None


def encode_awareness(states: Iterable[AwarenessState]) -> bytes:
    """States as an awareness update."""
    encoded = [each.encoded for each in states]
    return encode_varint(len(encoded)) + b"".join(encoded)
