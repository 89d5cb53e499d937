"""Finds, in the built schema, every position of an operation's input that holds text: arguments of all fields, and fields of inputs.

Each comes with an operation that is valid but for what is put there, so that it gets as far in as it may.
"""

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
)

from resolvers import ids
from schema.root import schema
from tests.support.graph_actions import ERROR_FIELDS
from tests.support.selections import fields_of
from tests.support.tenant_objects import NODE_TYPES
from tests.support.tenants import MUTATIONS, Tenant

Path = tuple[str | int, ...]
TEXT_SCALARS: Final = frozenset({"Base64", "Date", "DateTime", "ID", "JSON", "Markdown", "String", "SyncCursor", "URL", "UUID"})
_CORE: Final = schema._schema
_NOT_TEXT: Final = frozenset({"Boolean", "Float", "Int"})
# A call that succeeds takes away what the other calls are about, or shuts the caller out.
_DESTRUCTIVE: Final = frozenset(
    {"projectDelete", "sessionRevoke", "teamDelete", "teamMemberRemove", "teamMemberSetRole", "userDelete"}
    | {name for name in MUTATIONS if name.endswith("Delete")}
)
_NOBODY: Final = UUID("00000000-0000-7000-8000-000000000000")
_REQUIRED_VALUES: Final[dict[str, Any]] = {
    "Base64": "AAA=",
    "Boolean": True,
    "Date": "2026-11-29",
    "DateTime": "2026-11-29T00:00:00Z",
    "Float": 1.0,
    "Int": 1,
    "JSON": {},
    "UUID": str(_NOBODY),
    "URL": "https://example.com/",
}


@dataclass(frozen=True)
class InputPosition:
    """
    `operation` has the variables that `variables` makes, in which `path` leads to the position; `scalar` is its type.

    `coordinate` is that of the input's field or argument itself, to which other positions may lead too.
    `echo` is where the payload tells what was stored of it: the object's name and type, and its field.
    """

    name: str
    coordinate: str
    operation: str
    scalar: str
    path: Path
    variables: Callable[[Tenant], dict[str, Any]]
    echo: tuple[str, str, str] | None = None

    def variables_with(self, tenant: Tenant, value: Any) -> dict[str, Any]:
        """The variables with a value at the position."""
        changed = deepcopy(self.variables(tenant))
        holder: Any = changed
        for step in self.path[:-1]:
            holder = holder[step]
        holder[self.path[-1]] = value
        return changed


def input_positions() -> list[InputPosition]:
    """All of them, those of subscriptions apart: see `subscription_positions`."""
    assert _CORE.query_type is not None
    found = list(_mutation_positions())
    found += _field_positions(_CORE.query_type, "Query", "{field}", ())
    for name, type_ in _CORE.type_map.items():
        if isinstance(type_, GraphQLObjectType) and name in NODE_TYPES:
            found += _field_positions(type_, name, "node(id: $node) {{ ... on {type} {{ {field} }} }}", ("node",))
    return found


def subscription_positions() -> list[InputPosition]:
    """Those of the arguments of subscriptions."""
    assert _CORE.subscription_type is not None
    return list(_field_positions(_CORE.subscription_type, "Subscription", "{field}", ()))


def text_arguments() -> set[str]:
    """`Type.field(argument)` of all fields of all types whose argument holds text somewhere."""
    return {
        f"{type_.name}.{name}({argument})"
        for type_ in _CORE.type_map.values()
        if isinstance(type_, GraphQLObjectType) and not type_.name.startswith("__")
        for name, field in type_.fields.items()
        for argument, declared in field.args.items()
        if next(_text_paths(declared.type), None) is not None
    }


def _mutation_positions() -> Iterator[InputPosition]:
    assert _CORE.mutation_type is not None
    for name, field in _CORE.mutation_type.fields.items():
        (argument,) = field.args.values()
        for path, scalar, coordinate in _text_paths(argument.type):
            echo, selection = _echo(get_named_type(field.type), path)
            operation = f"mutation ($input: {argument.type}) {{ {name}(input: $input) {{ {ERROR_FIELDS} clientMutationId {selection} }} }}"
            yield InputPosition(
                name=f"Mutation.{name}(input.{'.'.join(map(str, path))})",
                coordinate=coordinate,
                operation=operation,
                scalar=scalar,
                path=("input", *path),
                variables=_mutation_variables(name, path, argument),
                echo=echo,
            )


def _mutation_variables(name: str, path: Path, argument: GraphQLArgument) -> Callable[[Tenant], dict[str, Any]]:
    def variables(tenant: Tenant) -> dict[str, Any]:
        given = MUTATIONS[name].input_with(tenant, path)
        if name in _DESTRUCTIVE:
            given = {key: _nobodys(value) for key, value in given.items()}
        return {"input": _completed(argument.type, given, path, tenant)}

    return variables


def _nobodys(value: Any) -> Any:
    """An id of the same type that was never given out."""
    parsed = ids.parse(value) if isinstance(value, str) else None
    return ids.encode(parsed[0], _NOBODY) if parsed else value


def _field_positions(type_: GraphQLObjectType, type_name: str, around: str, outer: tuple[str, ...]) -> Iterator[InputPosition]:
    """Positions of the arguments of a type's fields; `outer` are the ids that are variables of what is around them."""
    kind = "subscription" if type_name == "Subscription" else "query"
    for name, field in type_.fields.items():
        for argument, declared in field.args.items():
            for path, scalar, coordinate in _text_paths(declared.type):
                used = {argument} | {each for each, other in field.args.items() if isinstance(other.type, GraphQLNonNull)}
                passed = " ".join(f"{each}: ${each}" for each in sorted(used))
                declarations = " ".join(
                    [f"${each}: ID!" for each in outer] + [f"${each}: {field.args[each].type}" for each in sorted(used)]
                )
                selected = around.format(type=type_name, field=f"{name}({passed}) {_selection(field.type)}")
                yield InputPosition(
                    name=f"{type_name}.{name}({'.'.join(map(str, (argument, *path)))})",
                    coordinate=coordinate or f"{type_name}.{name}({argument}:)",
                    operation=f"{kind} ({declarations}) {{ {selected} }}",
                    scalar=scalar,
                    path=(argument, *path),
                    variables=_field_variables(type_name, {each: field.args[each] for each in used}, argument, path),
                )


def _field_variables(
    type_name: str, arguments: dict[str, GraphQLArgument], argument: str, path: Path
) -> Callable[[Tenant], dict[str, Any]]:
    def variables(tenant: Tenant) -> dict[str, Any]:
        given = {
            name: _completed(each.type, None, path if name == argument else None, tenant, name)
            for name, each in arguments.items()
        }
        return given | ({"node": tenant.objects[type_name]} if type_name in NODE_TYPES else {})

    return variables


def _text_paths(
    type_: Any, path: Path = (), within: tuple[str, ...] = (), coordinate: str = ""
) -> Iterator[tuple[Path, str, str]]:
    """Where a type holds text, with its scalar and the coordinate of the input's field; the first of each list, and of inputs
    that hold themselves two levels."""
    named = get_named_type(type_)
    path = (*path, 0) if isinstance(get_nullable_type(type_), GraphQLList) else path
    if isinstance(named, GraphQLInputObjectType):
        if within.count(named.name) < (2 if len(within) < 2 else 1):
            for name, field in named.fields.items():
                yield from _text_paths(field.type, (*path, name), (*within, named.name), f"{named.name}.{name}")
    elif isinstance(named, GraphQLScalarType):
        assert named.name in TEXT_SCALARS | _NOT_TEXT, f"what is {named.name} written as?"
        if named.name in TEXT_SCALARS:
            yield path, named.name, coordinate


def _completed(type_: Any, given: Any, path: Path | None, tenant: Tenant, name: str = "") -> Any:
    """A value of the type: what is given, with all that is required, and with what leads to the path."""
    if isinstance(type_, GraphQLNonNull):
        return _completed(type_.of_type, given, path, tenant, name)
    if isinstance(type_, GraphQLList):
        below = path[1:] if path else None
        first, *others = given or [None]
        return [_completed(type_.of_type, first, below, tenant, name), *others]
    if not isinstance(type_, GraphQLInputObjectType):
        return _leaf(type_, tenant, name) if given is None else given
    completed = dict(given or {})
    for field_name, field in type_.fields.items():
        is_next = bool(path) and path is not None and path[0] == field_name
        is_missing = isinstance(field.type, GraphQLNonNull) and field_name not in completed
        if is_next or is_missing:
            below = path[1:] if is_next and path else None
            completed[field_name] = _completed(field.type, completed.get(field_name), below, tenant, field_name)
    return completed


def _leaf(type_: Any, tenant: Tenant, name: str) -> Any:
    if isinstance(type_, GraphQLEnumType):
        return next(iter(type_.values))
    if type_.name == "ID":
        kinds = (each for each in tenant.objects if each.lower() in name.lower() and each in NODE_TYPES)
        return tenant.objects[next(kinds, "Task")]
    if name == "key":
        return tenant.objects["key"]
    return _REQUIRED_VALUES.get(type_.name, "Text")


def _selection(type_: Any) -> str:
    named = get_named_type(type_)
    if is_leaf_type(named):
        return ""
    if isinstance(named, GraphQLObjectType) and "nodes" in named.fields:
        return "{ nodes { __typename } }"
    return "{ __typename }"


def _echo(payload: Any, path: Path) -> tuple[tuple[str, str, str] | None, str]:
    """The object of a payload and its field that has the name of an input's field, and what selects them."""
    if len(path) == 1:
        for name, field in payload.fields.items():
            object_ = get_named_type(field.type)
            if isinstance(object_, GraphQLObjectType) and {"id", path[0]} <= fields_of(object_.name).keys():
                echoed = get_named_type(object_.fields[str(path[0])].type)
                if isinstance(echoed, GraphQLScalarType) and path[0] != "id":
                    return (name, object_.name, str(path[0])), f"{name} {{ id {path[0]} }}"
    return None, ""
