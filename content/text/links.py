"""Which addresses a text may point to: a link runs whatever stands in it when somebody follows it."""

import re
from collections.abc import Mapping
from typing import Any

_SCHEME = re.compile(r"\s*([a-zA-Z][a-zA-Z0-9+.\-]*)\s*:")
# What browsers skip when they look for the scheme.
_SKIPPED = re.compile(r"[\x00-\x20\x7f-\xa0\u200b-\u200f\u2028-\u202f\ufeff]")
# `document:` names another document by its global id (`domain.reference`); no program answers to it.
_MAY_BE_FOLLOWED = frozenset({"http", "https", "mailto", "tel", "sms", "ftp", "xmpp", "matrix", "slack", "callto", "document"})
_PICTURE = re.compile(r"data:image/(?:png|gif|jpeg|webp|avif);base64,[a-zA-Z0-9+/=]*")


def link(attrs: Mapping[str, Any]) -> str | None:
    """The address of a link, or None where nobody may be sent there."""
    href = attrs.get("href")
    if not isinstance(href, str):
        return None
    scheme = _SCHEME.match(_SKIPPED.sub("", href))
    return href if scheme is None or scheme[1].lower() in _MAY_BE_FOLLOWED else None


def picture(attrs: Mapping[str, Any]) -> str | None:
    """The address of an image, or None where it may not be loaded."""
    source = attrs.get("src")
    if not isinstance(source, str):
        return None
    return source if _PICTURE.fullmatch(source) else link({"href": source})
