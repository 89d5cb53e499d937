"""Splits a large update into small ones, each of which builds only on those before it.

yrs applies an update in one go, during which the process does nothing else; a document of 16 MiB takes a second. The cost of a
struct does not follow from its size: where several people wrote at the same place, Yjs walks over what stands there, up to the
whole document, to find the place of each. Such structs are called unanchored: all that do not directly follow the one before.
So a piece is bounded in bytes, structs, unanchored structs and deleted ranges; a room applies one piece at a time and serves
others in between.

The pieces are ordinary edits: each can be stored, sent and applied by itself, and together they equal the update. Long texts
are cut between characters, as yjs would cut them.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from content import guard
from content.errors import InvalidUpdate, UpdateTooLarge
from content.lib0 import encode_varint
from content.structs import GC, SKIP, STRING, Id, Struct, Update, decode_update, encode_deletions
from content.structure_check import StructureCheck

MAX_PIECE_BYTES: Final = 16 * 1024
MAX_PIECE_STRUCTS: Final = 1_000
MAX_PIECE_RANGES: Final = 50  # one may cost 1.6 ms: `content.update_cost`
_MAX_TEXT_CHARACTERS: Final = 8 * 1024  # characters of a text that is cut

Part = tuple[int, int, bytes]  # client, clock, encoded struct


def split(update: bytes, max_unanchored: int, limit: int = guard.MAX_DOCUMENT_BYTES, *, stored: bool = False) -> list[bytes]:
    """Returns the pieces of an update, which is checked as a whole before unless it was `stored` already.

    Raises InvalidUpdate and UpdateTooLarge.
    """
    if len(update) > limit:
        raise UpdateTooLarge(f"An update has at most {limit} bytes.", limit)
    places: list[tuple[int, int]] = []
    decoded = decode_update(update, places)
    StructureCheck().admit(decoded, stored=stored)
    pieces: list[bytes] = []
    parts: list[Part] = []
    size = unanchored = 0
    ends: dict[int, int] = {}
    for at in _in_order(decoded):
        struct, (start, end) = decoded.structs[at], places[at]
        if struct.kind == SKIP:
            continue
        is_loose = is_unanchored(struct)
        gap = struct.client in ends and ends[struct.client] != struct.clock
        for part in _cut(struct, update[start:end]):
            if parts and (
                size + len(part[2]) > MAX_PIECE_BYTES
                or len(parts) >= MAX_PIECE_STRUCTS
                or unanchored + is_loose > max_unanchored
                or gap
            ):
                pieces.append(_written(parts))
                parts, size, unanchored = [], 0, 0
            gap = False
            parts.append(part)
            size += len(part[2])
            unanchored += is_loose
            is_loose = False
        ends[struct.client] = struct.clock + struct.length
    if parts:
        pieces.append(_written(parts))
    deletes = decoded.deletes
    pieces += [encode_deletions(deletes[at : at + MAX_PIECE_RANGES]) for at in range(0, len(deletes), MAX_PIECE_RANGES)]
    return pieces


def is_unanchored(struct: Struct) -> bool:
    """Returns whether Yjs has to search for the place of a struct."""
    return struct.kind != GC and struct.origin != (struct.client, struct.clock - 1)


def _in_order(decoded: Update) -> Iterator[int]:
    """Yields the indexes of the structs, each behind those that it refers to."""
    runs: dict[int, list[int]] = {}
    for at, struct in enumerate(decoded.structs):
        runs.setdefault(struct.client, []).append(at)
    done = dict.fromkeys(runs, 0)
    reach = {client: first for client, (first, _) in decoded.adds.items()}
    for client in runs:
        stack: list[Id] = [(client, decoded.adds[client][1] - 1)]
        while stack:
            client_, until = stack[-1]
            if reach[client_] > until or done[client_] == len(runs[client_]):
                stack.pop()
                continue
            at = runs[client_][done[client_]]
            struct = decoded.structs[at]
            needed = _needed(struct, reach, decoded)
            if needed is not None:
                if len(stack) > len(runs):
                    raise InvalidUpdate("The update goes round in a circle.")
                stack.append(needed)
                continue
            yield at
            done[client_] += 1
            reach[client_] = struct.clock + struct.length


def _needed(struct: Struct, reach: dict[int, int], decoded: Update) -> Id | None:
    """Returns the id within the update that must come first."""
    for reference in (struct.origin, struct.right, struct.parent):
        if isinstance(reference, tuple) and reference[0] in reach:
            client, clock = reference
            if reach[client] <= clock < decoded.adds[client][1]:
                return reference
    return None


def _cut(struct: Struct, data: bytes) -> Iterator[Part]:
    """Yields a struct as it is, or a long text in parts."""
    if len(data) > guard.MAX_UPDATE_BYTES and struct.kind != STRING:
        raise UpdateTooLarge(f"A value in an update has at most {guard.MAX_UPDATE_BYTES} bytes.", guard.MAX_UPDATE_BYTES)
    text = struct.content
    if struct.kind != STRING or not isinstance(text, str) or len(text) <= _MAX_TEXT_CHARACTERS:
        yield struct.client, struct.clock, data
        return
    text_bytes = len(text.encode())
    head = data[: len(data) - text_bytes - len(encode_varint(text_bytes))]
    clock = struct.clock
    for start in range(0, len(text), _MAX_TEXT_CHARACTERS):
        some = text[start : start + _MAX_TEXT_CHARACTERS]
        if start:
            head = (
                bytes((STRING | 0x80 | (0x40 if struct.right else 0),)) + encode_varint(struct.client) + encode_varint(clock - 1)
            )
            if struct.right:
                head += encode_varint(struct.right[0]) + encode_varint(struct.right[1])
        encoded = some.encode()
        yield struct.client, clock, head + encode_varint(len(encoded)) + encoded
        clock += len(some) if some.isascii() else len(some.encode("utf-16-le")) // 2


def _written(parts: Sequence[Part]) -> bytes:
    """Encodes an update of these structs, which are contiguous for each client."""
    runs: dict[int, tuple[int, list[bytes]]] = {}
    for client, clock, data in parts:
        runs.setdefault(client, (clock, []))[1].append(data)
    out = [encode_varint(len(runs))]
    for client, (clock, datas) in runs.items():
        out += (encode_varint(len(datas)), encode_varint(client), encode_varint(clock), *datas)
    return b"".join(out) + b"\0"
