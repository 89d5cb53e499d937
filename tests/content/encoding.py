"""Writes Yjs updates byte by byte, also such as no library would write."""

from collections.abc import Sequence


def number(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def text(value: str) -> bytes:
    return number(len(value.encode())) + value.encode()


def item(
    kind: int, content: bytes, *, root: str = "t", after: tuple[int, int] | None = None, within: tuple[int, int] | None = None
) -> bytes:
    """A struct behind `after`, or at the beginning of a root or of the type `within`."""
    if after:
        return bytes([kind | 0x80]) + number(after[0]) + number(after[1]) + content
    parent = b"\0" + number(within[0]) + number(within[1]) if within else b"\1" + text(root)
    return bytes([kind]) + parent + content


def update(structs: Sequence[bytes], *, client: int = 9, clock: int = 0, deletes: bytes = b"\0") -> bytes:
    return (number(1) + number(len(structs)) + number(client) + number(clock) if structs else b"\0") + b"".join(structs) + deletes


def nested(depth: int, *, client: int = 9) -> bytes:
    """Arrays in each other."""
    return update(
        [item(7, b"\0", within=(client, level - 1) if level else None) for level in range(depth)],
        client=client,
    )
