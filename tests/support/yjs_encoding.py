"""Writes Yjs updates byte by byte, also such as no library would write."""

from collections.abc import Sequence


def encode_number(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def encode_text(value: str) -> bytes:
    return encode_number(len(value.encode())) + value.encode()


def encode_item(
    kind: int, content: bytes, *, root: str = "t", after: tuple[int, int] | None = None, within: tuple[int, int] | None = None
) -> bytes:
    """A struct behind `after`, or at the beginning of a root or of the type `within`."""
    if after:
        return bytes([kind | 0x80]) + encode_number(after[0]) + encode_number(after[1]) + content
    parent = b"\0" + encode_number(within[0]) + encode_number(within[1]) if within else b"\1" + encode_text(root)
    return bytes([kind]) + parent + content


def encode_update(structs: Sequence[bytes], *, client: int = 9, clock: int = 0, deletes: bytes = b"\0") -> bytes:
    return (
        (encode_number(1) + encode_number(len(structs)) + encode_number(client) + encode_number(clock) if structs else b"\0")
        + b"".join(structs)
        + deletes
    )


def nested_arrays_update(depth: int, *, client: int = 9) -> bytes:
    """Arrays in each other."""
    return encode_update(
        [encode_item(7, b"\0", within=(client, level - 1) if level else None) for level in range(depth)],
        client=client,
    )
