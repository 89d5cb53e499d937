"""Domain enums as GraphQL enums: the members are the domain's own, the descriptions are the graph's."""

from enum import Enum
from typing import Any

import strawberry


def graphql_enum(cls: type[Enum], description: str, *, name: str | None = None, **values: str) -> None:
    """Show a domain enum in the graph, with a description for every value."""
    declared = strawberry.enum(cls, name=name, description=description)
    definition: Any = declared.__strawberry_definition__  # type: ignore[attr-defined]
    undescribed = {value.name for value in definition.values} ^ set(values)
    if undescribed:
        raise TypeError(f"{cls.__name__}: every value needs one description, and no more: {sorted(undescribed)}")
    for value in definition.values:
        value.description = values[value.name]
