"""Reads global ids (base64 of `Type:uuid`), as clients name objects and texts link to them, and bare UUIDs.

`resolvers.ids` writes them.
"""

import base64
import binascii
import re
from collections.abc import Collection
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


def parse_of(value: str, type_names: Collection[str]) -> UUID | None:
    """The id of an object of one of these types, by its global id or by its UUID alone; None for anything else."""
    found = parse(value)
    if found is not None:
        return found[1] if found[0] in type_names else None
    return parse_uuid(value)


def parse_uuid(value: str) -> UUID | None:
    """A UUID written with dashes; None for anything else."""
    try:
        return UUID(value) if _UUID.fullmatch(value) else None
    except ValueError:
        return None


def global_id(type_name: str, id_: UUID) -> str:
    """The global id of an object."""
    return base64.b64encode(f"{type_name}:{id_}".encode()).decode()


def url_safe_id(type_name: str, id_: UUID) -> str:
    """The global id of an object as it stands in a path; `parse` reads it too."""
    return base64.urlsafe_b64encode(f"{type_name}:{id_}".encode()).decode().rstrip("=")


def is_made(id_: UUID) -> bool:
    """Whether somebody can have made this id: the nil and the max UUID (RFC 9562) and those without a version are nobody's."""
    return id_.version is not None and id_.version != 0


_UUID = re.compile("[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_URL_SAFE = str.maketrans("-_", "+/")
_MAX_ID_CHARS = 100
