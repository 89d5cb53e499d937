"""Finds every place of the built schema that takes a global id, and writes the operation that asks with an id there.

Mutations take theirs in inputs, of which `tenants.MUTATIONS` has a valid one each. Of all other fields the operation is made from
the schema: the argument holds nothing but the id, other required arguments have a value by their type.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from graphql import (
    GraphQLArgument,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLObjectType,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
    is_required_argument,
)

from schema.root import schema
from tests.support.selections import everything_of

InputPath = tuple[str | int, ...]
NO_OBJECT: Final = frozenset({"sessionId"})
"""A client's own name for a session of editing: nobody's object."""

_KINDS: Final[Mapping[str, tuple[str, ...]]] = {
    "actorId": ("User",),
    "assignee": ("User",),
    "assigneeIds": ("User",),
    "creator": ("User",),
    "lead": ("User",),
    "owner": ("User",),
    "userId": ("User",),
    "labelIds": ("Label",),
    "labels": ("Label",),
    "project": ("Project",),
    "projectIds": ("Project",),
    "teamIds": ("Team",),
    "entityIds": ("Comment", "Document", "Label", "Project", "Task", "Team", "User"),
    "fromVersionId": ("DocumentVersion",),
    "toVersionId": ("DocumentVersion",),
}
"""What an argument of a name takes, where that is not what its field gives."""

_VALUES: Final = {"query": '"first"', "action": "UPDATE", "types": "[TASK, DOCUMENT]", "sessionId": '"s"', "nodeId": "$holder"}
"""Values of required arguments beside the one that is asked about."""


@dataclass(frozen=True)
class IdPlace:
    """A place in the arguments of a field that is no mutation: `path` begins with the argument."""

    holder: str
    field: str
    path: InputPath
    kinds: tuple[str, ...]
    """What it may be the id of; empty for `Node`: anything."""

    @property
    def title(self) -> str:
        """Its coordinate, with the fields of inputs."""
        return f"{self.holder}.{self.field}({'.'.join(str(step) for step in self.path if step != 0)})"


def id_paths(type_: Any, prefix: InputPath = (), seen: tuple[str, ...] = ()) -> Iterator[InputPath]:
    """Where an input type takes global ids; the first of every list. A type within itself is not entered again."""
    named = get_named_type(type_)
    prefix = (*prefix, 0) if isinstance(get_nullable_type(type_), GraphQLList) else prefix
    if isinstance(named, GraphQLInputObjectType):
        if named.name not in seen:
            for name, field in named.fields.items():
                yield from id_paths(field.type, (*prefix, name), (*seen, named.name))
    elif named.name == "ID":
        yield prefix


def id_places() -> list[IdPlace]:
    """All places outside of mutations, by their coordinates."""
    core = schema._schema
    found = [
        IdPlace(type_.name, name, path, _kinds(field, path))
        for type_ in core.type_map.values()
        if isinstance(type_, GraphQLObjectType) and not type_.name.startswith("__") and type_ is not core.mutation_type
        for name, field in type_.fields.items()
        for argument_name, argument in field.args.items()
        for path in id_paths(argument.type, (argument_name,))
        if _name_of(path) not in NO_OBJECT
    ]
    return sorted(found, key=lambda place: place.title)


def operation_at(place: IdPlace) -> str:
    """The operation with an id at the place, as the variable `$of`; `$holder`, where it is declared, is the object that is asked."""
    core = schema._schema
    type_ = core.type_map[place.holder]
    assert isinstance(type_, GraphQLObjectType)
    field = type_.fields[place.field]
    arguments = [
        f"{name}: {_literal(argument, place.path[1:]) if name == place.path[0] else _VALUES[name]}"
        for name, argument in field.args.items()
        if name == place.path[0] or is_required_argument(argument)
    ]
    asked = f"{place.field}({', '.join(arguments)}){_selection(field)}"
    if type_ is core.query_type:
        return f"query ($of: ID!{', $holder: ID!' if '$holder' in asked else ''}) {{ {asked} }}"
    if type_ is core.subscription_type:
        return f"subscription ($of: ID!) {{ {asked} }}"
    return f"query ($of: ID!, $holder: ID!) {{ node(id: $holder) {{ ... on {place.holder} {{ {asked} }} }} }}"


def _name_of(path: InputPath) -> str:
    """What a path is about: `filter.assignee.eq` is about the assignee."""
    names = [step for step in path if isinstance(step, str) and step not in ("eq", "in")]
    return str(names[-1])


def _kinds(field: GraphQLField, path: InputPath) -> tuple[str, ...]:
    """The types whose ids stand at a path. Fails for a name that nobody has said a type of."""
    name = _name_of(path)
    if name in _KINDS:
        return _KINDS[name]
    if name not in ("id", "ids", "nodeId", "parent"):
        raise KeyError(f"Of which type are the ids of {name}? Say so in tests/support/id_places.py.")
    given = get_named_type(field.type).name.removesuffix("Connection")
    return {
        "Node": (),
        "AccessExplanation": (),
        "DocumentEvent": ("Document",),
        "Change": ("Task",),
    }.get(given, (given,))


def _literal(argument: GraphQLArgument | GraphQLInputField, path: InputPath) -> str:
    """The value of an argument, as text, that holds `$of` at a path."""
    if not path:
        return "$of"
    step, *rest = path
    if step == 0:
        return f"[{_literal(argument, tuple(rest))}]"
    named = get_named_type(argument.type)
    assert isinstance(named, GraphQLInputObjectType)
    return f"{{{step}: {_literal(named.fields[str(step)], tuple(rest))}}}"


def _selection(field: GraphQLField) -> str:
    named = get_named_type(field.type)
    if is_leaf_type(named):
        return ""
    if named.name == "Node":
        return " { __typename id }"
    return f" {{ {everything_of(named.name, 1)} }}"
