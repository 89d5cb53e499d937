"""What text a client may send: how long, and where a blank will not do. Limits count characters."""

import re

from domain.errors import Invalid, Path, Required, TooLong

MAX_NAME_CHARS = 200
MAX_TITLE_CHARS = 500
MAX_MARKDOWN_CHARS = 65_536
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def validate_line(value: str | None, path: Path, *, limit: int = MAX_NAME_CHARS) -> str:
    """One line with something on it: white space at the ends is dropped, control characters and line breaks are refused."""
    text = (value or "").strip()
    if not text:
        raise Required(path, "A value is needed here.")
    if len(text) > limit:
        raise TooLong(path, limit)
    if _CONTROL.search(text) or "\n" in text or "\r" in text or "\t" in text:
        raise Invalid(path, "Control characters are not allowed.")
    return text


def validate_markdown(value: str, path: Path, *, limit: int = MAX_MARKDOWN_CHARS) -> str:
    """Markdown with something in it."""
    if not value.strip():
        raise Required(path, "A value is needed here.")
    return _validate_body(value, path, limit)


def validate_optional_markdown(value: str | None, path: Path, *, limit: int = MAX_MARKDOWN_CHARS) -> str | None:
    """Markdown, or None where there is none; blank counts as none."""
    if value is None or not value.strip():
        return None
    return _validate_body(value, path, limit)


def _validate_body(value: str, path: Path, limit: int) -> str:
    if len(value) > limit:
        raise TooLong(path, limit)
    if _CONTROL.search(value):
        raise Invalid(path, "Control characters are not allowed.")
    return value
