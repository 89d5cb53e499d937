"""Checks the text that clients send: how long it may be, what a line may hold, and that there is something to see.

Limits count characters (Unicode code points), in the form in which the text is stored.
"""

import re

from domain.collation import collation_key, is_blank, visible
from domain.errors import Invalid, Path, Required, TooLong

MAX_NAME_CHARS = 200
MAX_TITLE_CHARS = 500
MAX_MARKDOWN_CHARS = 65_536
MAX_INDEXED_BYTES = 2_600
"""Of the collation key of a name, so that it fits an entry of a Postgres index (2,704 bytes)."""
# Halves of surrogate pairs are no characters, and Postgres cannot hold them. Controls of Latin-1 come into bodies from old files.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff]")
_CONTROL_IN_BODY = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_LINE_BREAK = re.compile("[\t\n\r\x85\u2028\u2029]")


def validate_line(value: str | None, path: Path, *, limit: int = MAX_NAME_CHARS) -> str:
    """
    One line as it is stored (`collation.visible`): NFC, without white space at its ends and without invisible characters.

    Raises Required for a line with nothing to see, TooLong, and Invalid for control characters and line breaks.
    """
    given = value or ""
    if _CONTROL.search(given):
        raise Invalid(path, "Control characters are not allowed.")
    stored = visible(given)
    if is_blank(stored):
        raise Required(path, "A value is needed here.")
    if len(stored) > limit:
        raise TooLong(path, limit)
    if _LINE_BREAK.search(stored):
        raise Invalid(path, "Line breaks and tabs are not allowed.")
    return stored


def validate_name(value: str | None, path: Path, *, limit: int = MAX_NAME_CHARS) -> str:
    """A line that names something, whose collation key an index can hold."""
    stored = validate_line(value, path, limit=limit)
    if len(collation_key(stored).encode()) > MAX_INDEXED_BYTES:
        raise TooLong(path, limit)
    return stored


def validate_token(value: str, path: Path, *, limit: int = MAX_NAME_CHARS) -> str:
    """A string that only programs compare, as it is: not blank, no control characters, not longer than the limit."""
    if not value.strip():
        raise Required(path, "A value is needed here.")
    if len(value) > limit:
        raise TooLong(path, limit)
    if _CONTROL.search(value) or _LINE_BREAK.search(value):
        raise Invalid(path, "Control characters are not allowed.")
    return value


def validate_markdown(value: str, path: Path, *, limit: int = MAX_MARKDOWN_CHARS) -> str:
    """Markdown with something in it, as it is."""
    if is_blank(value):
        raise Required(path, "A value is needed here.")
    return _validate_body(value, path, limit)


def validate_optional_markdown(value: str | None, path: Path, *, limit: int = MAX_MARKDOWN_CHARS) -> str | None:
    """Markdown, or None where there is none; blank counts as none."""
    if value is None or is_blank(value):
        return None
    return _validate_body(value, path, limit)


def _validate_body(value: str, path: Path, limit: int) -> str:
    if len(value) > limit:
        raise TooLong(path, limit)
    if _CONTROL_IN_BODY.search(value):
        raise Invalid(path, "Control characters are not allowed.")
    return value
