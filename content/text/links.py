"""Decides which addresses a text may point to: a link runs whatever stands in it when somebody follows it.

Markdown keeps every address that a reader of it takes for a link, so that nothing is lost between import and export. HTML is
shown as it is, so there only schemes stand that are known to do no harm: those that browsers let pages register handlers for
(HTML, "safelisted schemes"), and our own names of documents and people, to which no program answers.
"""

import re
from collections.abc import Mapping
from typing import Any

_SCHEME = re.compile(r"\s*([a-zA-Z][a-zA-Z0-9+.\-]*)\s*:")
# What browsers skip when they look for the scheme.
_SKIPPED = re.compile(r"[\x00-\x20\x7f-\xa0\u200b-\u200f\u2028-\u202f\ufeff]")
_SAFE = frozenset(
    [
        "http",
        "https",
        "mailto",
        "tel",
        "sms",
        "smsto",
        "ftp",
        "ftps",
        "sftp",
        "geo",
        "im",
        "irc",
        "ircs",
        "magnet",
        "matrix",
        "mms",
        "news",
        "nntp",
        "sip",
        "sips",
        "ssh",
        "urn",
        "webcal",
        "xmpp",
        "bitcoin",
        "openpgp4fpr",
        "callto",
        "slack",
        "document",
        "user",
    ]
)
_NO_LINK = frozenset({"javascript", "vbscript", "file", "data"})  # as markdown-it has it
_PICTURE = re.compile(r"data:image/(?:png|gif|jpeg|webp|avif);base64,[a-zA-Z0-9+/=]*")


def safe_address(address: object) -> str | None:
    """An address that may be followed from HTML, or None where nobody may be sent there."""
    if not isinstance(address, str):
        return None
    scheme = _scheme(address)
    return address if scheme is None or scheme in _SAFE or scheme.startswith("web+") else None


def safe_image(attrs: Mapping[str, Any]) -> str | None:
    """The address of an image that HTML may load, or None."""
    source = attrs.get("src")
    return source if isinstance(source, str) and _PICTURE.fullmatch(source) else safe_address(source)


def markdown_address(address: object) -> str | None:
    """An address that is read as a link, or an image, when it stands in Markdown; None where it is not."""
    if not isinstance(address, str):
        return None
    if _scheme(address) in _NO_LINK and not _PICTURE.fullmatch(address):
        return None
    return address


def _scheme(address: str) -> str | None:
    scheme = _SCHEME.match(_SKIPPED.sub("", address))
    return scheme[1].lower() if scheme else None
