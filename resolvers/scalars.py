"""Defines the custom scalars: instants, days, ids and texts.

Each is read exactly as its specification writes it: Python's own readers also take week dates, seconds of an offset, the digits
of all scripts, and ids with brackets, underscores or dashes anywhere, which no other program reads alike.

Rejected for instants: Strawberry's own DateTime, which accepts a time without a zone and serializes any offset.
"""

import base64
import binascii
import re
from datetime import UTC, date, datetime
from typing import Any, NewType
from uuid import UUID as PythonUUID  # noqa: N811 (not the scalar of that name)

import strawberry
from strawberry.types.scalar import ScalarDefinition

from domain.global_id import parse_uuid
from resolvers.long_values import MAX_SHORT_SIZE, LongBytes

Markdown = NewType("Markdown", str)
Base64 = NewType("Base64", bytes)
URL = NewType("URL", str)
SyncCursor = NewType("SyncCursor", str)
JSON = NewType("JSON", object)

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT = re.compile(_DAY.pattern + r"[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?([Zz]|[+-][0-9]{2}:[0-9]{2})")


def _parse_datetime(value: Any) -> datetime:
    try:
        if not isinstance(value, str) or not _INSTANT.fullmatch(value):
            raise ValueError
        return datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError("An instant is written as in RFC 3339, with a zone: 2026-11-22T09:30:00Z.") from error


def serialize_datetime(value: datetime) -> str:
    """RFC 3339, UTC, with a Z."""
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _parse_date(value: Any) -> date:
    try:
        if not isinstance(value, str) or not _DAY.fullmatch(value):
            raise ValueError
        return date.fromisoformat(value)
    except ValueError as error:
        raise ValueError("A day is written YYYY-MM-DD.") from error


def _parse_uuid(value: Any) -> PythonUUID:
    found = parse_uuid(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError("A UUID is written with dashes: 0197a3b2-….")
    return found


def _parse_text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("This is not a string.")
    return value


def _parse_base64(value: Any) -> bytes:
    try:
        return base64.b64decode(_parse_text(value), validate=True)
    except binascii.Error as error:
        raise ValueError("This is not base64.") from error


def _serialize_base64(value: bytes) -> str | LongBytes:
    return base64.b64encode(value).decode() if len(value) <= MAX_SHORT_SIZE else LongBytes(value)


def _identity(value: Any) -> Any:
    return value


def _scalar(
    name: str, description: str, *, url: str | None = None, parse: Any = _identity, serialize: Any = _identity
) -> ScalarDefinition:
    return strawberry.scalar(name=name, description=description, specified_by_url=url, parse_value=parse, serialize=serialize)


_SCALAR_SPECIFICATIONS_URL = "https://scalars.graphql.org/andimarek/"

SCALARS: dict[object, ScalarDefinition] = {
    datetime: _scalar(
        "DateTime",
        "RFC 3339 instant, always UTC on output.",
        url=f"{_SCALAR_SPECIFICATIONS_URL}date-time.html",
        parse=_parse_datetime,
        serialize=serialize_datetime,
    ),
    date: _scalar(
        "Date",
        "Calendar day, YYYY-MM-DD (due dates carry no time zone).",
        url=f"{_SCALAR_SPECIFICATIONS_URL}local-date.html",
        parse=_parse_date,
        serialize=date.isoformat,
    ),
    PythonUUID: _scalar(
        "UUID",
        "RFC 9562 UUID; clients may mint v4 or v7 ids for offline creation. The nil and max UUIDs are no ids. "
        "An object's global id is "
        "the base64 of its type's name, a colon and its UUID: `VGFzazow…` is `Task:0197a3b2-…`. Wherever an `ID` of a known type "
        "is expected, the UUID alone is accepted too.",
        url="https://www.rfc-editor.org/rfc/rfc9562",
        parse=_parse_uuid,
        serialize=str,
    ),
    Markdown: _scalar(
        "Markdown",
        "Markdown source (CommonMark plus task lists and tables).",
        url="https://spec.commonmark.org/0.31.2/",
        parse=_parse_text,
    ),
    Base64: _scalar(
        "Base64",
        "Base64 of binary data.",
        url="https://www.rfc-editor.org/rfc/rfc4648#section-4",
        parse=_parse_base64,
        serialize=_serialize_base64,
    ),
    URL: _scalar("URL", "Absolute URL.", url="https://url.spec.whatwg.org/", parse=_parse_text),
    SyncCursor: _scalar(
        "SyncCursor", "Opaque position in the change log; orders all changes a viewer can see.", parse=_parse_text
    ),
    JSON: _scalar(
        "JSON",
        "Any JSON value. Used only where the shape is owned by the client or by a change record.",
        url="https://www.rfc-editor.org/rfc/rfc8259",
    ),
}
