"""Encodes and decodes global ids: base64 of `Type:uuid`."""

import base64
from typing import Any
from uuid import UUID

from domain.errors import BadUserInput, Path
from domain.global_id import parse as parse
from domain.global_id import parse_of as parse_of


class _TypeIdCache(dict[UUID, str]):
    """The global ids of one type by UUID, encoded on first use."""

    def __init__(self, type_name: str) -> None:
        self._type_name = type_name

    def __missing__(self, id_: UUID) -> str:
        if len(self) >= _MAX_CACHED_IDS:
            self.clear()
        encoded = self[id_] = base64.b64encode(f"{self._type_name}:{id_}".encode()).decode()
        return encoded


class _IdCache(dict[str, _TypeIdCache]):
    """The caches by type name; the number of types is bounded."""

    def __missing__(self, type_name: str) -> _TypeIdCache:
        cache = self[type_name] = _TypeIdCache(type_name)
        return cache


ID_CACHE = _IdCache()
"""Global ids by type and UUID: encoding one costs ten times the look-up, and a page has a hundred."""


def encode(type_name: str, id_: UUID) -> str:
    """The global id of an object."""
    return ID_CACHE[type_name][id_]


def global_id(entity: Any) -> str:
    """The global id of an entity."""
    return encode(entity.type_name, entity.id)


def decode(value: str, type_name: str, *, path: Path | None = None) -> UUID:
    """The UUID of an object of this type, by its global id or its UUID; raises BadUserInput for any other string."""
    found = parse_of(value, (type_name,))
    if found is None:
        raise BadUserInput(f"This is not the id of a {type_name}.", path=path)
    return found


_MAX_CACHED_IDS = 8_192
