"""Optimistic concurrency: what is written must be what was read."""

from collections.abc import Callable
from dataclasses import fields
from datetime import datetime
from functools import cache
from typing import Any, TypeVar, cast

from domain.attributes import attributes_getter
from domain.errors import Conflict
from domain.events import Entity

E = TypeVar("E", bound=Entity)


def require_version(entity: Entity, expected: int | None) -> None:
    """Refuse with `Conflict` when the client read another version; None asks for no check."""
    if expected is not None and expected != entity.version:
        raise Conflict(entity)


def with_changes(entity: E, now: datetime, **changes: Any) -> E:
    """The entity with other attributes and the next version, or the same object where nothing differs."""
    if all(getattr(entity, name) == value for name, value in changes.items()):
        return entity
    names, read = _fields(cast(Any, type(entity)))
    attributes = dict(zip(names, read(entity), strict=True))
    return type(entity)(**{**attributes, **changes, "version": entity.version + 1, "updated_at": now})


@cache
def _fields(cls: Any) -> tuple[tuple[str, ...], Callable[[Any], tuple[Any, ...]]]:
    """The names of a dataclass's attributes, and what reads them: `dataclasses.replace` takes twice as long."""
    names = tuple(field.name for field in fields(cls))
    return names, attributes_getter(names)
