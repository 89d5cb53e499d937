"""Collects the authorization rule of every field of the graph; start-up fails when one is missing.

A rule is the guard of a field (`schema.fields.Binding`): "public", "signed in", an OAuth scope, or "parent" for fields as visible
as their object. Which rows a guarded field returns is decided in SQL (`persistence.access`) and in the domain. The tests of
tenant isolation are generated from this table.
"""

from collections.abc import Mapping
from dataclasses import replace

import strawberry
from strawberry.types.base import StrawberryObjectDefinition

from schema.fields import Binding

_ROOT_TYPES = ("Query", "Mutation", "Subscription")


class MissingFieldRule(Exception):
    """Some fields have no rule, or are root fields with the rule "parent"."""


def collect_bindings(schema: strawberry.Schema) -> Mapping[str, Binding]:
    """The binding of every object field by its coordinate (`Task.assignee`); raises MissingFieldRule."""
    found: dict[str, Binding] = {}
    missing: list[str] = []
    for name, concrete in schema.schema_converter.type_map.items():
        definition = concrete.definition
        if not isinstance(definition, StrawberryObjectDefinition) or definition.is_input or definition.is_interface:
            continue
        for field in definition.fields:
            coordinate = f"{name}.{schema.config.name_converter.get_graphql_name(field)}"
            binding = field.metadata.get("binding")
            if not isinstance(binding, Binding) or (name in _ROOT_TYPES and binding.guard == "parent"):
                missing.append(coordinate)
            else:
                found[coordinate] = _with_own_attribute(binding, field.python_name)
    if missing:
        raise MissingFieldRule(f"no authorization rule for {', '.join(sorted(missing))}")
    return found


def _with_own_attribute(binding: Binding, name: str) -> Binding:
    """A leaf without a reader needs the attribute that it shows."""
    if binding.kind != "leaf" or binding.read is not None or binding.needs is not None:
        return binding
    return replace(binding, needs=((binding.path or name).partition(".")[0],))


def field_weights(bindings: Mapping[str, Binding]) -> dict[str, int]:
    """The weights of fields that differ from 1, by coordinate."""
    return {coordinate: binding.weight for coordinate, binding in bindings.items() if binding.weight != 1}
