"""The bytes of the two protocols that stock Yjs providers speak over a websocket: y-websocket's and Hocuspocus'. No I/O.

y-websocket: one document a connection; a message is its type and its content. Hocuspocus puts the document's name before that, so
that one connection may hold several, and adds authentication, acknowledgements (`SYNC_STATUS`) and stateless messages. The first
byte of a connection tells them apart: a type is at most 3 there, and a name longer.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from content.lib0 import varint

LONGEST_NAME = 256
_SAFE = 2**53 - 1


class Kind(IntEnum):
    """What a message is about; from STATELESS on, Hocuspocus only."""

    SYNC = 0
    AWARENESS = 1
    AUTH = 2
    QUERY_AWARENESS = 3
    STATELESS = 5
    CLOSE = 7
    SYNC_STATUS = 8
    PING = 9
    PONG = 10


class Sync(IntEnum):
    """What a SYNC message holds: a state vector, what somebody with that vector is missing, or an edit."""

    STEP_1 = 0
    STEP_2 = 1
    UPDATE = 2


class Malformed(ValueError):
    """Bytes that are no message of the protocol."""


@dataclass(frozen=True, slots=True)
class Peer:
    """One client as awareness tells of it. `state` is JSON; "null" says that it left."""

    client: int
    clock: int
    state: str


class Reader:
    """Steps through a message; everything raises Malformed."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def is_done(self) -> bool:
        return self._at >= len(self._data)

    def number(self) -> int:
        value = shift = 0
        while True:
            if self._at >= len(self._data):
                raise Malformed("The message ends early.")
            byte = self._data[self._at]
            self._at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                break
            shift += 7
            if shift > 49:
                raise Malformed("A number in the message is too large.")
        if value > _SAFE:
            raise Malformed("A number in the message is too large.")
        return value

    def bytes(self) -> bytes:
        length = self.number()
        end = self._at + length
        if end > len(self._data):
            raise Malformed("The message ends early.")
        found = self._data[self._at : end]
        self._at = end
        return found

    def text(self) -> str:
        try:
            return self.bytes().decode()
        except UnicodeDecodeError:
            raise Malformed("The message holds text that is not UTF-8.") from None


def counted(data: bytes) -> bytes:
    """Bytes behind their length."""
    return varint(len(data)) + data


def sync(step: Sync, data: bytes) -> bytes:
    """A SYNC message."""
    return bytes((Kind.SYNC, step)) + counted(data)


def awareness(update: bytes) -> bytes:
    """An AWARENESS message."""
    return bytes((Kind.AWARENESS,)) + counted(update)


QUERY_AWARENESS = bytes((Kind.QUERY_AWARENESS,))
PING = bytes((Kind.PING,))
PONG = bytes((Kind.PONG,))


def sync_status(*, kept: bool) -> bytes:
    """Hocuspocus: whether what the client sent is kept for good."""
    return bytes((Kind.SYNC_STATUS, kept))


def authenticated(*, may_write: bool) -> bytes:
    """Hocuspocus: welcome."""
    return bytes((Kind.AUTH, 2)) + counted(b"read-write" if may_write else b"readonly")


def permission_denied(reason: str) -> bytes:
    """Why somebody may not enter."""
    return bytes((Kind.AUTH, 1)) + counted(reason.encode())


def permission_denied_plain(reason: str) -> bytes:
    """The same in y-protocols."""
    return bytes((Kind.AUTH, 0)) + counted(reason.encode())


def closed(reason: str) -> bytes:
    """Hocuspocus: this document is closed to the client, others on the same connection go on."""
    return bytes((Kind.CLOSE,)) + counted(reason.encode())


def peers(update: bytes) -> list[Peer]:
    """What an awareness update tells. Raises Malformed."""
    reader = Reader(update)
    count = reader.number()
    if count * 3 > len(update):
        raise Malformed("The message promises more than it holds.")
    told = [Peer(reader.number(), reader.number(), reader.text()) for _ in range(count)]
    if not reader.is_done:
        raise Malformed("Bytes follow the end of the message.")
    return told


def awareness_update(told: Iterable[Peer]) -> bytes:
    """Peers as an awareness update."""
    several = list(told)
    parts = [varint(len(several))]
    for peer in several:
        parts += (varint(peer.client), varint(peer.clock), counted(peer.state.encode()))
    return b"".join(parts)
