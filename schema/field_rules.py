"""Collects the authorization rule of every field of the graph; start-up fails when one is missing.

A rule is the guard of a field (`schema.fields.Binding`): "public", "signed in", an OAuth scope, or "parent" for fields as visible
as their object. So that no field lacks a scope, `READ_SCOPES` names the scope of each type that has an id: a field that leads to
such a type from one of another scope has that scope as its guard. Exempt are the people, labels, comments and files that stand on
an object (who sees the object sees them), payloads (who wrote an object sees it), and interfaces, whose objects `resolvers.node`
judges by their types. Which rows a guarded field returns is decided in SQL (`persistence.access`) and in the domain. The tests of
tenant isolation are generated from this table.
"""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

import strawberry
from graphql import GraphQLObjectType, get_named_type
from strawberry.types.base import StrawberryObjectDefinition

import resolvers.node
from domain.actor import Scope
from schema.fields import Binding

_ROOT_TYPES = ("Query", "Mutation", "Subscription")


_BY_TYPE = ("Query.node", "Query.nodes", "Query.explainAccess")
"""Root fields without a scope of their own: `resolvers.node` requires that of the type that each id names."""
_SHOWN_WITH_OBJECTS = ("Activity", "Attachment", "Comment", "Label", "User")
_SCOPES_OF_PARTS: Mapping[str, Scope] = MappingProxyType(
    {"DocumentDiff": Scope.DOCUMENTS_READ, "DocumentVersionSaved": Scope.DOCUMENTS_READ, "TaskResult": Scope.TASKS_READ}
)
"""The scopes with which types without an id of their own are reached."""
READ_SCOPES: Mapping[str, Scope] = MappingProxyType(
    {name: scope for name, (scope, _) in resolvers.node.FINDERS.items()} | {"TeamMember": Scope.TEAMS_READ}
)


class MissingFieldRule(Exception):
    """Some fields have no rule or no scope."""


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
            if not isinstance(binding, Binding) or not _has_scope(coordinate, binding, _type_of(schema, name, coordinate)):
                missing.append(coordinate)
            else:
                found[coordinate] = _with_own_attribute(binding, field.python_name)
    if missing:
        raise MissingFieldRule(f"no authorization rule for {', '.join(sorted(missing))}")
    return found


def scope_of(type_name: str) -> Scope | None:
    """The scope that reads a type, or the objects of a page; None for types that are part of other objects."""
    return READ_SCOPES.get(type_name.removesuffix("Connection").removesuffix("Edge"))


def _has_scope(coordinate: str, binding: Binding, type_name: str) -> bool:
    """Whether the field can be reached only with the scope of its type."""
    owner = coordinate.partition(".")[0]
    if owner in _ROOT_TYPES:
        return isinstance(binding.guard, Scope) or binding.guard == "public" or coordinate in _BY_TYPE
    if isinstance(binding.guard, Scope) or owner.endswith("Payload"):
        return True
    shown = type_name.removesuffix("Connection") in _SHOWN_WITH_OBJECTS
    return shown or scope_of(type_name) in (None, scope_of(owner), _SCOPES_OF_PARTS.get(owner))


def _type_of(schema: strawberry.Schema, owner: str, coordinate: str) -> str:
    """The name of a field's type, without lists and non-null."""
    graph = schema._schema.type_map[owner]  # noqa: SLF001 (Strawberry has no public name for it)
    assert isinstance(graph, GraphQLObjectType)
    name: str = get_named_type(graph.fields[coordinate.partition(".")[2]].type).name
    return name


def _with_own_attribute(binding: Binding, name: str) -> Binding:
    """A leaf without a reader needs the attribute that it shows."""
    if binding.kind != "leaf" or binding.read is not None or binding.needs is not None:
        return binding
    return replace(binding, needs=((binding.path or name).partition(".")[0],))


def field_weights(bindings: Mapping[str, Binding]) -> dict[str, int]:
    """The weights of fields that differ from 1, by coordinate."""
    return {coordinate: binding.weight for coordinate, binding in bindings.items() if binding.weight != 1}
