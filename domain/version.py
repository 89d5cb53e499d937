"""Optimistic concurrency: what is written must be what was read."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

from domain.errors import Conflict
from domain.events import Entity

E = TypeVar("E", bound=Entity)
_replace: Callable[..., Any] = replace


def require_version(entity: Entity, expected: int | None) -> None:
    """Refuse with `Conflict` when the client read another version; None asks for no check."""
    if expected is not None and expected != entity.version:
        raise Conflict(entity)


def with_changes(entity: E, now: datetime, **changes: Any) -> E:
    """The entity with other attributes and the next version, or the same object where nothing differs."""
    if all(getattr(entity, name) == value for name, value in changes.items()):
        return entity
    result: E = _replace(entity, **changes, version=entity.version + 1, updated_at=now)
    return result
