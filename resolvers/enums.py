"""Declares domain enums as GraphQL enums, and describes their values."""

from enum import Enum
from typing import Any

import strawberry


def graphql_enum(cls: type[Enum], description: str, *, name: str | None = None, **values: str) -> None:
    """Declares a domain enum in the graph, with a description of every value."""
    declared = strawberry.enum(cls, name=name, description=description)
    definition: Any = declared.__strawberry_definition__  # type: ignore[attr-defined]
    undescribed = {value.name for value in definition.values} ^ set(values)
    if undescribed:
        raise TypeError(f"{cls.__name__}: every value needs exactly one description: {sorted(undescribed)}")
    for value in definition.values:
        value.description = values[value.name]
