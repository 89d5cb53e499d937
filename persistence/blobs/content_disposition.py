"""Tells a browser whether to show a file, where that is harmless, or to save it under its name."""

from urllib.parse import quote

from domain.blob import is_inline_type

_SAFE_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ._-()")


def content_disposition(file_name: str, content_type: str) -> str:
    """The value of Content-Disposition (RFC 6266): an ASCII name for old clients, and the name itself in UTF-8."""
    plain = "".join(character if character in _SAFE_CHARACTERS else "_" for character in file_name)
    how = "inline" if is_inline_type(content_type) else "attachment"
    return f"{how}; filename=\"{plain}\"; filename*=UTF-8''{quote(file_name, safe='')}"
