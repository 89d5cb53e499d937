"""Holds long values of an answer until they are encoded, a slice at a time, so that others have their turns on the event loop.

Base64 takes 4 ms a MiB, JSON 1 to 2.5, and neither lets go of Python's lock: a thread would hold up the loop as well.
"""

import base64
from collections.abc import Iterator
from typing import Final

import orjson

MAX_SHORT_SIZE: Final = 256 * 1024
"""Bytes or characters that are encoded at once, in a millisecond."""
_SLICE_SIZE: Final = 3 * 128 * 1024  # bytes in threes, each of which becomes four characters


class LongText:
    """A text that is a long one."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __len__(self) -> int:
        return len(self.text)

    def __str__(self) -> str:
        return self.text

    def json_slices(self) -> Iterator[bytes]:
        """The JSON string, in parts."""
        yield b'"'
        for start in range(0, len(self.text), _SLICE_SIZE):
            yield orjson.dumps(self.text[start : start + _SLICE_SIZE])[1:-1]
        yield b'"'


class LongBytes:
    """Bytes whose Base64 is a long one."""

    __slots__ = ("data",)

    def __init__(self, data: bytes) -> None:
        self.data = data

    def __len__(self) -> int:
        return -(-len(self.data) // 3) * 4

    def json_slices(self) -> Iterator[bytes]:
        """The JSON string of the Base64, in parts."""
        view = memoryview(self.data)
        yield b'"'
        for start in range(0, len(view), _SLICE_SIZE):
            yield base64.b64encode(view[start : start + _SLICE_SIZE])
        yield b'"'


def text_value(text: str) -> str | LongText:
    """A text as the value of a field: as it is, unless it is long."""
    return text if len(text) <= MAX_SHORT_SIZE else LongText(text)
