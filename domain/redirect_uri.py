"""Judges redirect URIs: which a client may register (RFC 8252, RFC 9700), and which of a request is registered."""

import re
from collections.abc import Collection
from typing import Final
from urllib.parse import SplitResult, urlsplit

from domain.errors import Invalid, Path, TooLong

_MAX_URI_CHARS: Final = 2000
_LOOPBACK_HOSTS: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_PRIVATE_SCHEME: Final = re.compile(r"[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+")
_CHARS: Final = re.compile(r"[A-Za-z0-9\-._~:/?\[\]@!$&'()*+,;=%]+")


def validate_redirect_uri(value: str, path: Path) -> str:
    """A URI that may be registered, as it is: https, http of the loopback interface, or a private-use scheme with a dot."""
    if len(value) > _MAX_URI_CHARS:
        raise TooLong(path, _MAX_URI_CHARS)
    parts = _split(value)
    if parts is None:
        raise Invalid(path, "This is not an absolute URI without fragment and user.")
    if parts.scheme == "https" and parts.hostname:
        return value
    if parts.scheme == "http" and parts.hostname in _LOOPBACK_HOSTS:
        return value
    if not parts.netloc and _PRIVATE_SCHEME.fullmatch(parts.scheme):
        return value
    raise Invalid(path, "Use https, http://127.0.0.1 for apps of a desktop, or a scheme such as com.example.app for phones.")


def is_registered(value: str, registered: Collection[str]) -> bool:
    """Whether a URI is exactly one of those registered; on the loopback interface with any port."""
    if value in registered:
        return True
    parts = _split(value)
    if parts is None or parts.scheme != "http" or parts.hostname not in _LOOPBACK_HOSTS:
        return False
    return any(
        other.scheme == "http" and other.hostname == parts.hostname and _after_port(other) == _after_port(parts)
        for other in map(_split, registered)
        if other is not None
    )


def _split(value: str) -> SplitResult | None:
    if not _CHARS.fullmatch(value):
        return None
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        return None
    return None if not parts.scheme or "@" in parts.netloc else parts


def _after_port(parts: SplitResult) -> tuple[str, str]:
    return parts.path, parts.query
