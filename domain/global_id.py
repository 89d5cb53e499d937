"""Global ids read: base64 of `Type:uuid`, as clients name objects and texts link to them. `resolvers.ids` makes them."""

import base64
import binascii
from functools import lru_cache
from uuid import UUID


def parse(value: str) -> tuple[str, UUID] | None:
    """Type and id; None for anything that this server would not have written (padding apart)."""
    return _parse(value) if len(value) <= _MAX_ID_CHARS else None


@lru_cache(maxsize=8192)
def _parse(value: str) -> tuple[str, UUID] | None:
    try:
        text = base64.b64decode(value.translate(_URL_SAFE) + "=" * (-len(value) % 4), validate=True).decode("ascii")
        type_name, _, id_ = text.partition(":")
        found = UUID(id_)
    except (ValueError, binascii.Error):
        return None
    return (type_name, found) if type_name.isalpha() and str(found) == id_ else None


_URL_SAFE = str.maketrans("-_", "+/")
_MAX_ID_CHARS = 100
