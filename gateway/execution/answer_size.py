"""Bounds the bytes of an answer, whatever the transport, and says which part of a refused one was largest.

What is encoded at once holds up the event loop, so a long list near the root, where large answers come from, is encoded in
slices, and no further than the bound: an answer of hundreds of MiB is never built. A page of 50 rows pays a microsecond for it.
"""

from collections import Counter, deque
from typing import Any, Final

import orjson

from gateway.execution.compiled.leaf_serialization import JSON_OPTIONS

MAX_ANSWER_BYTES: Final = 8 * 1024 * 1024
_SLICE_ROWS: Final = 16
_MAX_VISITED_VALUES: Final = 20_000
_CONNECTION_FIELDS: Final = ("nodes", "edges")


class AnswerTooLarge(Exception):
    """An answer has more bytes than one may have."""


def encode_bounded(payload: dict[str, Any]) -> bytes:
    """The JSON bytes of a response. Raises `AnswerTooLarge`, and TypeError for what JSON cannot hold."""
    data = payload.get("data")
    if data:
        for name, value in data.items():
            if isinstance(value, list):
                if len(value) > _SLICE_ROWS:
                    payload = {**payload, "data": {**payload["data"], name: _encode_rows(value)}}
            elif isinstance(value, dict):
                for inner in _CONNECTION_FIELDS:
                    rows = value.get(inner)
                    if isinstance(rows, list) and len(rows) > _SLICE_ROWS:
                        payload = {**payload, "data": {**payload["data"], name: {**value, inner: _encode_rows(rows)}}}
                        break
    encoded = orjson.dumps(payload, option=JSON_OPTIONS)
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
            case str():
                sizes[path] += len(value)
            case _:
                sizes[path] += 8
    return list(max(sizes.items(), key=lambda each: each[1])[0]) if sizes else []


def _encode_rows(rows: list[Any]) -> orjson.Fragment:
    parts: list[bytes] = []
    size = 0
    for start in range(0, len(rows), _SLICE_ROWS):
        part = orjson.dumps(rows[start : start + _SLICE_ROWS], option=JSON_OPTIONS)[1:-1]
        size += len(part) + 1
        if size > MAX_ANSWER_BYTES:
            raise AnswerTooLarge
        parts.append(part)
    return orjson.Fragment(b"[" + b",".join(parts) + b"]")
