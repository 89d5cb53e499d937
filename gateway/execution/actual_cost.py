"""Computes the cost of an operation with the rows that it returned, by the formula of `gateway.execution.limits`."""

from collections.abc import Mapping
from typing import Any

from graphql import get_named_type, is_composite_type
from graphql.language import OperationDefinitionNode, SelectionSetNode
from graphql.type import GraphQLNamedType

from gateway.execution.complexity import ComplexityVisitor


class ActualCost:
    """
    One computation over the data of an operation.

    A field counts for each object in which its key is found: one that `@skip` left out, or that the object's type does not have,
    counts nothing. Each field is visited once for each object, however often its fragment is spread.
    """

    def __init__(self, visitor: ComplexityVisitor) -> None:
        self._visitor = visitor
        self._fields: dict[tuple[int, str], list[tuple[str, int, SelectionSetNode | None, GraphQLNamedType | None]]] = {}
        """By selection set and type: response key, weight, and what is selected below, of which type."""

    def compute(self, operation: OperationDefinitionNode, root: GraphQLNamedType, data: Mapping[str, Any] | None) -> int:
        """The cost of the operation with this data."""
        return self._value(operation.selection_set, root, data)

    def _value(self, selections: SelectionSetNode, type_: GraphQLNamedType, value: Any) -> int:
        if isinstance(value, list):
            return sum(self._value(selections, type_, each) for each in value)
        if not isinstance(value, Mapping):
            return 0
        total = 0
        for key, weight, below, inner in self._fields_of(selections, type_):
            if key in value:
                total += weight
                if below is not None and inner is not None:
                    total += self._value(below, inner, value[key])
        return total

    def _fields_of(
        self, selections: SelectionSetNode, type_: GraphQLNamedType
    ) -> list[tuple[str, int, SelectionSetNode | None, GraphQLNamedType | None]]:
        known = self._fields.get((id(selections), type_.name))
        if known is None:
            known = self._fields[id(selections), type_.name] = []
            for node, parent in self._visitor.fields_of(selections, type_):
                weight, definition = self._visitor.weight_of(node, parent)
                inner = None if definition is None else get_named_type(definition.type)
                below = node.selection_set if is_composite_type(inner) and not node.name.value.startswith("__") else None
                known.append((node.alias.value if node.alias else node.name.value, weight, below, inner))
        return known
