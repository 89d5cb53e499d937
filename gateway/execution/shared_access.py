"""Refuses operations of share links that select anything but what links may show (`schema.shared_fields`)."""

from typing import Any, Final

from graphql import FieldNode, GraphQLSchema, TypeInfo, TypeInfoVisitor, Visitor, visit
from graphql.language import DocumentNode

from domain.errors import Forbidden
from gateway.execution.documents import Operation
from schema.shared_fields import SHARED_FIELDS, shared_arguments

_TYPE_NAME: Final = "__typename"


def require_shared_fields(operation: Operation, context: Any, schema: GraphQLSchema) -> None:
    """Raise Forbidden for an operation of a share link that selects more than links of its kind show."""
    shared = getattr(getattr(context, "actor", None), "shared", None)
    if shared is None:
        return
    if operation.selected_fields is None:
        operation.selected_fields = _selected_fields(operation.document, schema)
    if operation.selected_fields - SHARED_FIELDS[shared.type_name]:
        raise Forbidden("READ", "A share link does not show this.")


def _selected_fields(document: DocumentNode, schema: GraphQLSchema) -> frozenset[str]:
    """The coordinates of all fields of a document, and of the arguments that links may not give."""
    types = TypeInfo(schema)
    found: set[str] = set()

    class Collector(Visitor):
        def enter_field(self, node: FieldNode, *_: Any) -> None:
            name = node.name.value
            if name == _TYPE_NAME:
                return
            parent = types.get_parent_type()
            coordinate = f"{parent.name if parent is not None else ''}.{name}"
            found.add(coordinate)
            given = {each.name.value for each in node.arguments or ()}
            found.update(f"{coordinate}({each}:)" for each in given - shared_arguments(name))

    visit(document, TypeInfoVisitor(types, Collector()))
    return frozenset(found)
