"""Bounds the bytes of an answer, whatever the transport, and says which part of a refused one was largest.

What is encoded at once holds up the event loop, so a long list near the root, where large answers come from, is encoded in
slices, and no further than the bound: an answer of hundreds of MiB is never built. After each MiB others have their turn, where
the caller can wait. A page of 50 rows pays a microsecond for it.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Generator
from functools import partial
from typing import Any, Final, NamedTuple, cast

import orjson

from gateway.execution.compiled.leaf_serialization import JSON_OPTIONS
from resolvers.long_values import LongBytes, LongText

MAX_ANSWER_BYTES: Final = 8 * 1024 * 1024
_SLICE_ROWS: Final = 16
_TURN_BYTES: Final = 1024 * 1024
"""One to three milliseconds."""
_MAX_VISITED_VALUES: Final = 20_000
Steps = Generator[None, None, bytes]
"""Ends with what is encoded; where it yields, others may have their turn."""
_CONNECTION_FIELDS: Final = ("nodes", "edges")


class AnswerTooLarge(Exception):
    """An answer has more bytes than one may have."""


def encode_bounded(payload: dict[str, Any]) -> bytes:
    """The JSON bytes of a response. Raises `AnswerTooLarge`, and TypeError for what JSON cannot hold."""
    if not _find_long_lists(payload):
        try:
            encoded = orjson.dumps(payload, option=JSON_OPTIONS)
        except TypeError:
            pass  # a long value, which is encoded in slices, or what JSON cannot hold
        else:
            if len(encoded) > MAX_ANSWER_BYTES:
                raise AnswerTooLarge
            return encoded
    steps = _encode(payload)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return cast(bytes, end.value)


async def encode_bounded_in_turns(payload: dict[str, Any]) -> bytes:
    """The same, while others have their turns."""
    steps = _encode(payload)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return cast(bytes, end.value)
        await asyncio.sleep(0)


def _encode(payload: dict[str, Any]) -> Steps:
    """The steps of encoding a response."""
    for each in _find_long_lists(payload):
        payload = each.replaced(payload, (yield from _encode_rows(each.rows)))
    encoded = yield from _encode_value(payload)
    if len(encoded) > MAX_ANSWER_BYTES:
        raise AnswerTooLarge
    return encoded


def too_large_payload(payload: dict[str, Any]) -> dict[str, Any]:
    """The response in place of one that is too large; its error names the path whose values are largest together."""
    error = {
        "message": f"The answer has more than {MAX_ANSWER_BYTES} bytes: ask for fewer rows, or for less of each.",
        "extensions": {"code": "ANSWER_TOO_LARGE", "limit": MAX_ANSWER_BYTES, "path": largest_path(payload.get("data"))},
    }
    return {"data": None, "errors": [error]}


def largest_path(data: Any) -> list[str]:
    """The response keys from the root to the field whose values have the most characters, without indexes of lists. It looks at
    the first `_MAX_VISITED_VALUES` values, level by level."""
    sizes: Counter[tuple[str, ...]] = Counter()
    waiting: deque[tuple[tuple[str, ...], Any]] = deque([((), data)])
    for _ in range(_MAX_VISITED_VALUES):
        if not waiting:
            break
        path, value = waiting.popleft()
        match value:
            case dict():
                waiting.extend(((*path, name), inner) for name, inner in value.items())
            case list():
                waiting.extend((path, inner) for inner in value)
            case str() | LongText() | LongBytes():
                sizes[path] += len(value)
            case _:
                sizes[path] += 8
    return list(max(sizes.items(), key=lambda each: each[1])[0]) if sizes else []


class _LongList(NamedTuple):
    """A long list near the root of a response: its rows, the field of the root, and that of a connection, if it is one's."""

    rows: list[Any]
    name: str
    inner: str | None = None

    def replaced(self, payload: dict[str, Any], array: bytes) -> dict[str, Any]:
        """The response with an array of JSON in place of the list."""
        encoded: Any = orjson.Fragment(array)
        data = payload["data"]
        value = encoded if self.inner is None else {**data[self.name], self.inner: encoded}
        return {**payload, "data": {**data, self.name: value}}


def _find_long_lists(payload: dict[str, Any]) -> list[_LongList]:
    """The long lists, one of each field of the root."""
    found: list[_LongList] = []
    data = payload.get("data")
    for name, value in data.items() if data else ():
        if isinstance(value, list):
            if len(value) > _SLICE_ROWS:
                found.append(_LongList(value, name))
        elif isinstance(value, dict):
            for inner in _CONNECTION_FIELDS:
                rows = value.get(inner)
                if isinstance(rows, list) and len(rows) > _SLICE_ROWS:
                    found.append(_LongList(rows, name, inner))
                    break
    return found


def _encode_rows(rows: list[Any]) -> Steps:
    """The rows as a JSON array: one, then a few at a time, as many as are no longer than they may be at once."""
    parts: list[bytes] = []
    size = at_once = start = 0
    count = 1
    while start < len(rows):
        part = (yield from _encode_value(rows[start : start + count]))[1:-1]
        parts.append(part)
        size += len(part) + 1
        if size > MAX_ANSWER_BYTES:
            raise AnswerTooLarge
        start += count
        count = max(1, min(_SLICE_ROWS, _TURN_BYTES * count // max(1, len(part))))
        at_once += len(part)
        if at_once > _TURN_BYTES:
            yield
            at_once = 0
    return b"[" + b",".join(parts) + b"]"


def _encode_value(value: Any) -> Steps:
    """The JSON of a value, whose long values are encoded one after the other, unless they are more than may be sent."""
    found: dict[int, LongText | LongBytes] = {}
    try:
        encoded = orjson.dumps(value, option=JSON_OPTIONS, default=partial(_note_long_value, found))
    except TypeError as error:
        if isinstance(error.__cause__, AnswerTooLarge):
            raise AnswerTooLarge from None
        raise
    if not found:
        return encoded
    fragments: dict[int, orjson.Fragment] = {}
    for key, each in found.items():
        parts = []
        for part in each.json_slices():
            parts.append(part)
            yield
        fragments[key] = orjson.Fragment(b"".join(parts))
    return orjson.dumps(value, option=JSON_OPTIONS, default=lambda each: fragments[id(each)])


def _note_long_value(found: dict[int, LongText | LongBytes], value: Any) -> None:
    """Stands for a long value by null. Raises TypeError for any other that orjson does not know."""
    if not isinstance(value, LongText | LongBytes):
        raise TypeError
    found[id(value)] = value
    if sum(map(len, found.values())) > MAX_ANSWER_BYTES:
        raise AnswerTooLarge
