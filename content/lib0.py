"""Reads lib0's encoding of numbers, texts and values without trusting any length in it."""

import re

import orjson

from content.errors import InvalidUpdate, UpdateTooLarge

MAX_VALUE_DEPTH = 64
_SAFE = 2**53 - 1
_NUL_IN_JSON = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_BRACKETS = re.compile(rb'[\[{]|[\]}]|"(?:[^"\\]|\\.)*"')


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    """Decodes the varint at `at` (at most 53 bits): (value, offset behind it). Raises InvalidUpdate."""
    byte = data[at]
    if byte < 0x80:
        return byte, at + 1
    value, shift = byte & 0x7F, 7
    while True:
        at += 1
        byte = data[at]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            break
        shift += 7
        if shift > 49:
            raise InvalidUpdate("A number in the update is too large.")
    if value > _SAFE:
        raise InvalidUpdate("A number in the update is too large.")
    return value, at + 1


def encode_varint(value: int) -> bytes:
    """Encodes a number as a varint."""
    if value < 0x80:
        return bytes((value,))
    out = bytearray()
    while value >= 0x80:
        out.append(0x80 | (value & 0x7F))
        value >>= 7
    out.append(value)
    return bytes(out)


def checked_length(count: int, left: int, at_least: int) -> int:
    """Returns `count`, if that many elements of `at_least` bytes fit in the bytes that are `left`. Raises InvalidUpdate."""
    if count * at_least > left:
        raise InvalidUpdate("The update promises more than it holds.")
    return count


def skip_bytes(data: bytes, at: int) -> int:
    length, at = read_varint(data, at)
    if length > len(data) - at:
        raise InvalidUpdate("The update ends early.")
    return at + length


def read_string(data: bytes, at: int) -> tuple[str, int]:
    length, at = read_varint(data, at)
    end = at + length
    if end > len(data):
        raise InvalidUpdate("The update ends early.")
    return data[at:end].decode(), end


def skip_json(data: bytes, at: int, *, may_be_undefined: bool = False) -> int:
    length, at = read_varint(data, at)
    end = at + length
    if end > len(data):
        raise InvalidUpdate("The update ends early.")
    text = data[at:end]
    if text in (b"null", b"{}", b"true") or (may_be_undefined and text == b"undefined"):
        return end
    depth = 0
    for match in _BRACKETS.finditer(text) if text.count(b"[") + text.count(b"{") > MAX_VALUE_DEPTH else ():
        depth += {b"[": 1, b"{": 1, b"]": -1, b"}": -1}.get(match.group(), 0)
        if depth > MAX_VALUE_DEPTH:
            raise UpdateTooLarge("A value in the update nests too deep.", MAX_VALUE_DEPTH)
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        raise InvalidUpdate("The update holds a value that is not JSON.") from None
    return end


def skip_any(data: bytes, at: int, depth: int) -> int:
    """Steps over a value in lib0's `any` encoding."""
    tag = data[at]
    at += 1
    if tag == 119:
        return read_string(data, at)[1]
    if tag == 125:
        return _signed(data, at)
    if tag in (126, 127, 120, 121):
        return at
    if tag in (122, 123, 124):
        at += 4 if tag == 124 else 8
        if at > len(data):
            raise InvalidUpdate("The update ends early.")
        return at
    if tag == 116:
        return skip_bytes(data, at)
    if tag not in (117, 118):
        raise InvalidUpdate("The update holds a value of an unknown kind.")
    if depth >= MAX_VALUE_DEPTH:
        raise UpdateTooLarge("A value in the update nests too deep.", MAX_VALUE_DEPTH)
    count, at = read_varint(data, at)
    for _ in range(checked_length(count, len(data) - at, tag - 116)):
        if tag == 118:
            _, at = read_string(data, at)
        at = skip_any(data, at, depth + 1)
    return at


def any_has_nul(data: bytes, at: int, count: int) -> bool:
    """Returns whether U+0000 stands in a string among `count` values in lib0's `any` encoding, over which `skip_any` stepped
    before.
    """
    left = [(count, False)]  # values to come at each level, and whether they have keys
    while left:
        several, has_keys = left.pop()
        if not several:
            continue
        left.append((several - 1, has_keys))
        if has_keys:
            key, at = read_string(data, at)
            if "\0" in key:
                return True
        tag = data[at]
        if tag in (117, 118):
            inner, at = read_varint(data, at + 1)
            left.append((inner, tag == 118))
        elif tag == 119:
            text, at = read_string(data, at + 1)
            if "\0" in text:
                return True
        else:
            at = skip_any(data, at, 0)
    return False


def json_has_nul(data: bytes) -> bool:
    """Returns whether JSON holds a string with U+0000, which can only stand there escaped."""
    return _NUL_IN_JSON.search(data) is not None


def _signed(data: bytes, at: int) -> int:
    """Steps over a signed varint: 6 bits and a sign, then groups of 7."""
    start = at
    while data[at] >= 0x80:
        at += 1
        if at - start > 7:
            raise InvalidUpdate("A number in the update is too large.")
    return at + 1
