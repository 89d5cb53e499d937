"""A large update as many small ones, each of which builds only on those before it.

yrs applies an update in one go, and nothing else happens in the process meanwhile; a document of 16 MiB takes a second. And what
one struct costs is not told by its size: where several people wrote at the same place, Yjs walks over what stands there, up to
the whole document, to find the place of each. Such structs are called loose here: all that don't just follow the one before. So a
piece is bounded in bytes, in structs and in loose ones; a room applies one at a time, and sees to others in between.

The pieces are edits like any others: each can be kept, sent and applied by itself, and all of them together say what the update
said. Long texts are cut where yjs would cut them, between characters.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from content import guard
from content.errors import InvalidUpdate, UpdateTooLarge
from content.lib0 import varint
from content.structs import GC, SKIP, STRING, Id, Struct, Update, decode_update, deletion
from content.structure_check import StructureCheck

PIECE_BYTES: Final = 16 * 1024
PIECE_STRUCTS: Final = 1_000
PIECE_RANGES: Final = 50  # a deletion may cost 1.6 ms: `content.update_cost`
_TEXT: Final = 8 * 1024  # characters of a text that is cut

Part = tuple[int, int, bytes]  # client, clock, encoded struct


def split(update: bytes, loose: int, limit: int = guard.DOCUMENT_BYTES, *, stored: bool = False) -> list[bytes]:
    """The pieces of an update, with at most so many `loose` structs each; it is judged as a whole before, unless it was `stored`
    already.

    Raises InvalidUpdate and UpdateTooLarge.
    """
    if len(update) > limit:
        raise UpdateTooLarge(f"An update has at most {limit} bytes.", limit)
    places: list[tuple[int, int]] = []
    said = decode_update(update, places)
    StructureCheck().admit(said, stored=stored)
    pieces: list[bytes] = []
    parts: list[Part] = []
    size = free = 0
    ends: dict[int, int] = {}
    for at in _in_order(said):
        struct, (start, end) = said.structs[at], places[at]
        if struct.kind == SKIP:
            continue
        is_loose = is_unanchored(struct)
        gap = struct.client in ends and ends[struct.client] != struct.clock
        for part in _cut(struct, update[start:end]):
            if parts and (size + len(part[2]) > PIECE_BYTES or len(parts) >= PIECE_STRUCTS or free + is_loose > loose or gap):
                pieces.append(_written(parts))
                parts, size, free = [], 0, 0
            gap = False
            parts.append(part)
            size += len(part[2])
            free += is_loose
            is_loose = False
        ends[struct.client] = struct.clock + struct.length
    if parts:
        pieces.append(_written(parts))
    deletes = said.deletes
    pieces += [deletion(deletes[at : at + PIECE_RANGES]) for at in range(0, len(deletes), PIECE_RANGES)]
    return pieces


def is_unanchored(struct: Struct) -> bool:
    """Whether a struct is loose: its place has to be looked for."""
    return struct.kind != GC and struct.origin != (struct.client, struct.clock - 1)


def _in_order(said: Update) -> Iterator[int]:
    """The places of the structs, so that each comes behind what it refers to."""
    runs: dict[int, list[int]] = {}
    for at, struct in enumerate(said.structs):
        runs.setdefault(struct.client, []).append(at)
    done = dict.fromkeys(runs, 0)
    reach = {client: first for client, (first, _) in said.adds.items()}
    for client in runs:
        stack: list[Id] = [(client, said.adds[client][1] - 1)]
        while stack:
            client_, until = stack[-1]
            if reach[client_] > until or done[client_] == len(runs[client_]):
                stack.pop()
                continue
            at = runs[client_][done[client_]]
            struct = said.structs[at]
            needed = _needed(struct, reach, said)
            if needed is not None:
                if len(stack) > len(runs):
                    raise InvalidUpdate("The update goes round in a circle.")
                stack.append(needed)
                continue
            yield at
            done[client_] += 1
            reach[client_] = struct.clock + struct.length


def _needed(struct: Struct, reach: dict[int, int], said: Update) -> Id | None:
    """What of the update itself must come first."""
    for reference in (struct.origin, struct.right, struct.parent):
        if isinstance(reference, tuple) and reference[0] in reach:
            client, clock = reference
            if reach[client] <= clock < said.adds[client][1]:
                return reference
    return None


def _cut(struct: Struct, data: bytes) -> Iterator[Part]:
    """A struct as it stands, or a long text in parts."""
    if len(data) > guard.UPDATE_BYTES and struct.kind != STRING:
        raise UpdateTooLarge(f"A value in an update has at most {guard.UPDATE_BYTES} bytes.", guard.UPDATE_BYTES)
    text = struct.content
    if struct.kind != STRING or not isinstance(text, str) or len(text) <= _TEXT:
        yield struct.client, struct.clock, data
        return
    told = len(text.encode())
    head = data[: len(data) - told - len(varint(told))]
    clock = struct.clock
    for start in range(0, len(text), _TEXT):
        some = text[start : start + _TEXT]
        if start:
            head = bytes((STRING | 0x80 | (0x40 if struct.right else 0),)) + varint(struct.client) + varint(clock - 1)
            if struct.right:
                head += varint(struct.right[0]) + varint(struct.right[1])
        encoded = some.encode()
        yield struct.client, clock, head + varint(len(encoded)) + encoded
        clock += len(some) if some.isascii() else len(some.encode("utf-16-le")) // 2


def _written(parts: Sequence[Part]) -> bytes:
    """An update of these structs, which follow each other for each client."""
    runs: dict[int, tuple[int, list[bytes]]] = {}
    for client, clock, data in parts:
        runs.setdefault(client, (clock, []))[1].append(data)
    out = [varint(len(runs))]
    for client, (clock, datas) in runs.items():
        out += (varint(len(datas)), varint(client), varint(clock), *datas)
    return b"".join(out) + b"\0"
