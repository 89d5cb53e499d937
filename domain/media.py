"""Whether bytes are what they are said to be: the beginnings of the types that browsers show in place.

Only what is shown needs proof: everything else is saved to disk under a type that no browser renders (`domain.blob.served_type`).
Rejected: a library that guesses any type (it would have to be right about files that are never looked into).
"""

import re

from domain.blob import plain_type

SNIFF_BYTES = 4096  # bytes
_MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,62}/[a-z0-9][a-z0-9!#$&^_.+-]{0,62}")


def media_type(value: str) -> str | None:
    """A media type in lower case without parameters; None for what is none."""
    plain = plain_type(value)
    return plain if _MEDIA_TYPE.fullmatch(plain) else None


def matches_type(content_type: str, start: bytes) -> bool:
    """Whether a file that begins like this can be of this type; of a type that is never shown, any can."""
    match content_type:
        case "image/png":
            return start.startswith(b"\x89PNG\r\n\x1a\n")
        case "image/jpeg":
            return start.startswith(b"\xff\xd8\xff")
        case "image/gif":
            return start.startswith((b"GIF87a", b"GIF89a"))
        case "image/webp":
            return start[:4] == b"RIFF" and start[8:12] == b"WEBP"
        case "image/avif":
            return start[4:8] == b"ftyp" and b"avi" in start[8:64]
        case "application/pdf":
            return b"%PDF-" in start[:1024]
    if content_type.startswith("text/"):
        return _is_text(start)
    return True


def _is_text(start: bytes) -> bool:
    if b"\x00" in start:
        return False
    try:
        start.decode()
    except UnicodeDecodeError as error:
        return len(start) >= SNIFF_BYTES and error.start > len(start) - 4  # a character was cut in two
    return True
