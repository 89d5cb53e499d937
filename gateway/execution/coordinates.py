"""Finds schema coordinates: which fields have a property, and whether a document selects one of them."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

from graphql import FieldNode, GraphQLSchema, TypeInfo, TypeInfoVisitor, Visitor, is_abstract_type, visit
from graphql.language import DocumentNode

from schema.fields import Binding


def coordinates_where(
    predicate: Callable[[Binding], bool], bindings: Mapping[str, Binding], schema: GraphQLSchema
) -> frozenset[str]:
    """The coordinates of such fields, and those of the interfaces that objects with them have."""
    own = {coordinate for coordinate, binding in bindings.items() if predicate(binding)}
    fields: defaultdict[str, list[str]] = defaultdict(list)
    for coordinate in own:
        type_name, _, field = coordinate.partition(".")
        fields[type_name].append(field)
    shared = {
        f"{type_.name}.{field}"
        for type_ in schema.type_map.values()
        if is_abstract_type(type_)
        for possible in schema.get_possible_types(type_)
        for field in fields.get(possible.name, ())
    }
    return frozenset(own | shared)


def selects_any(document: DocumentNode, schema: GraphQLSchema, coordinates: frozenset[str]) -> bool:
    """Whether one of the fields is selected anywhere in the document, in a fragment or under an alias too."""
    types = TypeInfo(schema)
    found = False

    class Finder(Visitor):
        def enter_field(self, node: FieldNode, *_: Any) -> None:
            nonlocal found
            parent = types.get_parent_type()
            found |= parent is not None and f"{parent.name}.{node.name.value}" in coordinates

    visit(document, TypeInfoVisitor(types, Finder()))
    return found
