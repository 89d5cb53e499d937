"""Decodes Yjs updates (encoding V1) to the last byte, without building a document.

Grammar (numbers are lib0 varints, little-endian groups of 7 bits):

    update  = clients { structs client clock { struct } } deletes
    struct  = info [origin] [right origin] [parent [key]] content | GC length | Skip length
    deletes = clients { client ranges { clock length } }

The low 5 bits of `info` are the kind of content; bit 8 announces an origin, bit 7 a right origin, bit 6 a key. A parent (the
name of a root, or the id of a type) is written only where there is no origin to take it from. Lengths count UTF-16 units.

Refused is everything that a reader might choke on: counts that exceed the bytes (yrs reserves memory for what is announced),
empty structs, clocks beyond 31 bits (yrs keeps them in 32), references forward within the same client, kinds of content that
only one of yjs and yrs knows (moves, weak links, hooks), and subdocuments, which nothing here would read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from content.errors import InvalidUpdate
from content.lib0 import (
    any_has_nul,
    checked_length,
    encode_varint,
    json_has_nul,
    read_string,
    read_varint,
    skip_any,
    skip_bytes,
    skip_json,
)

MAX_CLOCK = 2**31 - 1

GC, DELETED, JSON, BINARY, STRING, EMBED, FORMAT, TYPE, ANY, DOC, SKIP = range(11)
XML_ELEMENT, XML_FRAGMENT, XML_HOOK, XML_TEXT = 3, 4, 5, 6

Id = tuple[int, int]
Range = tuple[int, int, int]
"""Client, clock, length."""


class Struct(NamedTuple):
    """A run of `length` clocks of one client.

    `parent` is a root's name or a type's id, None where it is that of the origin. `content` is the text of a STRING, the name of
    a FORMAT's mark or, for a TYPE, its number and the name of its tag; of other kinds nothing is kept.
    """

    client: int
    clock: int
    length: int
    kind: int
    origin: Id | None = None
    right: Id | None = None
    parent: str | Id | None = None
    key: str | None = None
    content: str | tuple[int, str] | None = None


@dataclass(frozen=True, slots=True)
class Update:
    """A decoded update. `adds` is client → (first clock, clock after the last), `deletes` are (client, clock, length).
    `has_nul`: a text, a name or a value holds U+0000, which neither `text` nor `jsonb` of Postgres can store.
    """

    structs: list[Struct]
    adds: dict[int, tuple[int, int]]
    deletes: list[Range]
    has_nul: bool = False

    @property
    def only_deletes(self) -> bool:
        return not self.structs

    @property
    def is_empty(self) -> bool:
        return not self.structs and not self.deletes


def decode_update(data: bytes, places: list[tuple[int, int]] | None = None) -> Update:
    """Decodes a whole update. Raises InvalidUpdate, or UpdateTooLarge for values that nest too deep.

    Appends to `places` where each struct stands in the bytes: (start, end).
    """
    try:
        return _update(data, places)
    except IndexError:
        raise InvalidUpdate("The update ends early.") from None
    except UnicodeDecodeError:
        raise InvalidUpdate("The update holds text that is not UTF-8.") from None


def clients_of(data: bytes) -> tuple[int, ...]:
    """Returns the clients that a valid update adds clocks for; reads its first bytes only where it is one. Raises
    InvalidUpdate.
    """
    clients, at = read_varint(data, 0)
    if clients != 1:
        return tuple(decode_update(data).adds) if clients else ()
    _, at = read_varint(data, at)
    return (read_varint(data, at)[0],)


def decode_state_vector(data: bytes) -> dict[int, int]:
    """Decodes a state vector: client → clock after the last. Raises InvalidUpdate."""
    try:
        count, at = read_varint(data, 0)
        if count > (len(data) - at) // 2:
            raise InvalidUpdate("The state vector promises more than it holds.")
        vector: dict[int, int] = {}
        for _ in range(count):
            client, at = read_varint(data, at)
            vector[client], at = read_varint(data, at)
    except IndexError:
        raise InvalidUpdate("The state vector ends early.") from None
    if at != len(data) or len(vector) != count:
        raise InvalidUpdate("This is not a state vector.")
    return vector


def encode_deletions(ranges: Sequence[Range]) -> bytes:
    """Encodes an update that only deletes these ranges."""
    by_client: dict[int, list[tuple[int, int]]] = {}
    for client, clock, length in ranges:
        by_client.setdefault(client, []).append((clock, length))
    out = [b"\0", encode_varint(len(by_client))]
    for client, several in by_client.items():
        out += (encode_varint(client), encode_varint(len(several)))
        for clock, length in several:
            out += (encode_varint(clock), encode_varint(length))
    return b"".join(out)


def _update(data: bytes, places: list[tuple[int, int]] | None) -> Update:
    structs: list[Struct] = []
    has_nul = False
    adds: dict[int, tuple[int, int]] = {}
    size = len(data)
    clients, at = read_varint(data, 0)
    for _ in range(checked_length(clients, size - at, 5)):
        count, at = read_varint(data, at)
        client, at = read_varint(data, at)
        clock, at = read_varint(data, at)
        if client in adds or not count:
            raise InvalidUpdate("The update names a client twice, or for nothing.")
        first = clock
        for _ in range(checked_length(count, size - at, 2)):
            info, start = data[at], at
            kind = info & 0x1F
            if kind in (GC, SKIP):
                if info != kind:
                    raise InvalidUpdate("The update holds a struct of an unknown kind.")
                length, at = read_varint(data, at + 1)
                struct = Struct(client, clock, length, kind)
            else:
                struct, holds_nul, at = _item(data, at + 1, info, client, clock)
                has_nul |= holds_nul
            structs.append(struct)
            if places is not None:
                places.append((start, at))
            clock += struct.length
            if clock > MAX_CLOCK or not struct.length:
                raise InvalidUpdate("The update holds a struct that is empty or too long.")
        adds[client] = (first, clock)
    deletes, at = _deletes(data, at)
    if at != size:
        raise InvalidUpdate("Bytes follow the end of the update.")
    return Update(structs, adds, deletes, has_nul)


def _deletes(data: bytes, at: int) -> tuple[list[Range], int]:
    deletes: list[Range] = []
    clients, at = read_varint(data, at)
    seen: set[int] = set()
    for _ in range(checked_length(clients, len(data) - at, 2)):
        client, at = read_varint(data, at)
        if client in seen:
            raise InvalidUpdate("The update deletes from a client twice.")
        seen.add(client)
        count, at = read_varint(data, at)
        for _ in range(checked_length(count, len(data) - at, 2)):
            clock, at = (data[at], at + 1) if data[at] < 0x80 else read_varint(data, at)
            length, at = (data[at], at + 1) if data[at] < 0x80 else read_varint(data, at)
            if not length or clock + length > MAX_CLOCK:
                raise InvalidUpdate("The update deletes what cannot be.")
            deletes.append((client, clock, length))
    return deletes, at


def _item(data: bytes, at: int, info: int, client: int, clock: int) -> tuple[Struct, bool, int]:
    """Decodes a struct: (struct, whether it holds U+0000, offset behind it)."""
    origin: Id | None = None
    right: Id | None = None
    parent: str | Id | None = None
    key: str | None = None
    if info & 0x80:
        origin, at = _id(data, at, client, clock)
    if info & 0x40:
        right, at = _id(data, at, client, clock)
    if not info & 0xC0:
        named, at = read_varint(data, at)
        if named == 1:
            parent, at = read_string(data, at)
        elif named == 0:
            parent, at = _id(data, at, client, clock)
        else:
            raise InvalidUpdate("The update holds a parent of an unknown kind.")
        if info & 0x20:
            key, at = read_string(data, at)
        named_nul = (isinstance(parent, str) and "\0" in parent) or (key is not None and "\0" in key)
    else:
        named_nul = False
    kind = info & 0x1F
    if kind == STRING:
        text, at = read_string(data, at)
        length = len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2
        return Struct(client, clock, length, kind, origin, right, parent, key, text), named_nul or "\0" in text, at
    length, content, has_nul, at = _content(data, at, kind)
    return Struct(client, clock, length, kind, origin, right, parent, key, content), named_nul or has_nul, at


def _content(data: bytes, at: int, kind: int) -> tuple[int, str | tuple[int, str] | None, bool, int]:
    """Decodes the content of a struct: (length, what `Struct.content` keeps, whether it holds U+0000, offset behind it)."""
    if kind == DELETED:
        length, at = read_varint(data, at)
        return length, None, False, at
    if kind == FORMAT:
        name, at = read_string(data, at)
        end = skip_json(data, at)
        return 1, name, "\0" in name or json_has_nul(data[at:end]), end
    if kind == TYPE:
        type_, at = read_varint(data, at)
        if type_ > XML_TEXT or type_ == XML_HOOK:
            raise InvalidUpdate("The update holds a type that the server does not know.")
        tag = ""
        if type_ == XML_ELEMENT:
            tag, at = read_string(data, at)
        return 1, (type_, tag), "\0" in tag, at
    if kind == ANY:
        length, at = read_varint(data, at)
        start = at
        for _ in range(checked_length(length, len(data) - at, 1)):
            at = skip_any(data, at, 0)
        return length, None, data.find(0, start, at) >= 0 and any_has_nul(data, start, length), at
    if kind == EMBED:
        end = skip_json(data, at)
        return 1, None, json_has_nul(data[at:end]), end
    if kind == JSON:
        length, at = read_varint(data, at)
        start = at
        for _ in range(checked_length(length, len(data) - at, 1)):
            at = skip_json(data, at, may_be_undefined=True)
        return length, None, json_has_nul(data[start:at]), at
    if kind == BINARY:
        return 1, None, False, skip_bytes(data, at)
    raise InvalidUpdate("The update holds content of a kind that the server does not know.")


def _id(data: bytes, at: int, client: int, clock: int) -> tuple[Id, int]:
    of, at = read_varint(data, at)
    where, at = read_varint(data, at)
    if where >= MAX_CLOCK or (of == client and where >= clock):
        raise InvalidUpdate("The update refers to what comes after it.")
    return (of, where), at
