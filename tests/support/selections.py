"""Builds selections of everything that a type of the graph has, to a depth."""

from graphql import (
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLUnionType,
    get_named_type,
    is_leaf_type,
    is_required_argument,
)

from schema.root import schema

_CORE = schema._schema
ROWS = 20


def everything_of(type_name: str, depth: int) -> str:
    """The fields of a type that need no argument, and those of what they lead to, `depth` levels of objects in all."""
    return _selection(_CORE.type_map[type_name], depth)


def fields_of(type_name: str) -> dict[str, GraphQLField]:
    """The fields of an object type that need no argument."""
    type_ = _CORE.type_map[type_name]
    assert isinstance(type_, GraphQLObjectType)
    return {name: field for name, field in type_.fields.items() if not any(map(is_required_argument, field.args.values()))}


def _selection(type_: GraphQLNamedType, depth: int) -> str:
    if isinstance(type_, GraphQLObjectType):
        parts = ["__typename"]
        for name in fields_of(type_.name):
            parts += _field(name, type_.fields[name], depth)
        return " ".join(parts)
    assert isinstance(type_, GraphQLInterfaceType | GraphQLUnionType)
    parts = ["__typename"]
    for possible in _CORE.get_possible_types(type_):
        # Under names of their own, as fields of one name may differ in what they give.
        fields = (
            f"{possible.name}_{name}: {part}"
            for name in fields_of(possible.name)
            for part in _field(name, possible.fields[name], depth)
        )
        parts.append(f"... on {possible.name} {{ __typename {' '.join(fields)} }}")
    return " ".join(parts)


def _field(name: str, field: GraphQLField, depth: int) -> list[str]:
    """The field with what is below it; nothing where that is too deep."""
    inner = get_named_type(field.type)
    if is_leaf_type(inner):
        return [name]
    if name == "edges" and inner.name != "SearchResultEdge":
        return []  # `nodes` leads to the same
    plumbing = inner.name.endswith(("Connection", "Edge", "PageInfo"))
    if depth <= 1 and not plumbing:
        return []
    given = f"(first: {ROWS})" if "first" in field.args else ""
    return [f"{name}{given} {{ {_selection(inner, depth if plumbing else depth - 1)} }}"]
