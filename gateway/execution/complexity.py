"""Takes the measure of a validated document: a walk over its operations that visits every fragment once."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from graphql.language import (
    ArgumentNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
)
from graphql.type import (
    GraphQLField,
    GraphQLNamedType,
    GraphQLSchema,
    get_named_type,
    get_nullable_type,
    is_composite_type,
    is_list_type,
)
from graphql.utilities import type_from_ast

from gateway.execution.limits import Cost, FieldSize, OperationComplexity

_INTROSPECTION_COSTS = {"__schema": 1_000, "__type": 50}
_ZERO_COST = Cost()
_MAX_COUNT = 2**53  # counts that double with every fragment stay small numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class _SelectionComplexity:
    """A selection set's measure; `per_row` is the cost per row when its type is a connection."""

    depth: int = 0
    introspection_depth: int = 0
    aliases: int = 0
    directives: int = 0
    fields: int = 0
    introspects: bool = False
    once: Cost = _ZERO_COST
    per_row: Cost = _ZERO_COST

    def __add__(self, other: "_SelectionComplexity") -> "_SelectionComplexity":
        return _SelectionComplexity(
            depth=max(self.depth, other.depth),
            introspection_depth=max(self.introspection_depth, other.introspection_depth),
            aliases=min(_MAX_COUNT, self.aliases + other.aliases),
            directives=min(_MAX_COUNT, self.directives + other.directives),
            fields=min(_MAX_COUNT, self.fields + other.fields),
            introspects=self.introspects or other.introspects,
            once=self.once + other.once,
            per_row=self.per_row + other.per_row,
        )


class ComplexityVisitor:
    """Measures the operations of one document; lives as long as its measures are taken."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode, weights: Mapping[str, int], page_rows: int) -> None:
        self._schema = schema
        self._weights = weights
        self._page_rows = page_rows
        self._fragments = {
            definition.name.value: definition
            for definition in document.definitions
            if isinstance(definition, FragmentDefinitionNode)
        }
        self._by_fragment: dict[str, _SelectionComplexity] = {}

    def measure(self, operation: OperationDefinitionNode) -> OperationComplexity:
        """The whole operation's measure. The document must be valid: no cycles, no unknown fields."""
        root = self._schema.get_root_type(operation.operation)
        total = self._selections(operation.selection_set, root)
        definitions = operation.variable_definitions or ()
        own = len(operation.directives or ()) + sum(len(each.directives or ()) for each in definitions)
        return OperationComplexity(
            depth=total.depth,
            introspection_depth=total.introspection_depth,
            aliases=total.aliases,
            directives=total.directives + own,
            root_fields=total.fields,
            introspects=total.introspects,
            cost=total.once + total.per_row,
            variable_defaults={
                each.variable.name.value: value
                for each in definitions
                if (value := _literal_size(each.default_value)) is not None
            },
        )

    def _selections(self, selections: SelectionSetNode | None, parent: GraphQLNamedType | None) -> _SelectionComplexity:
        total = _SelectionComplexity()
        if selections is None or parent is None:
            return total
        for selection in selections.selections:
            own = _SelectionComplexity(directives=len(selection.directives or ()))
            match selection:
                case FieldNode():
                    own = own + self._field(selection, parent)
                case InlineFragmentNode(type_condition=condition):
                    inner = type_from_ast(self._schema, condition) if condition else parent
                    own = own + self._selections(selection.selection_set, inner)
                case FragmentSpreadNode():
                    own = own + self._fragment(selection.name.value)
            total = total + own
        return total

    def _fragment(self, name: str) -> _SelectionComplexity:
        if (known := self._by_fragment.get(name)) is None:
            definition = self._fragments[name]
            inner = type_from_ast(self._schema, definition.type_condition)
            known = self._selections(definition.selection_set, inner) + _SelectionComplexity(
                directives=len(definition.directives or ())
            )
            self._by_fragment[name] = known
        return known

    def _field(self, node: FieldNode, parent: GraphQLNamedType) -> _SelectionComplexity:
        name = node.name.value
        own = _SelectionComplexity(fields=1, aliases=1 if node.alias else 0)
        definition = self._schema.get_field(parent, name) if is_composite_type(parent) else None
        if definition is None or name == "__typename":
            return replace(own, depth=1)
        below = replace(self._selections(node.selection_set, get_named_type(definition.type)), fields=0)
        if name in _INTROSPECTION_COSTS:
            flat = Cost(_INTROSPECTION_COSTS[name])
            return own + replace(
                below, depth=1, introspection_depth=below.depth + 1, introspects=True, once=flat, per_row=_ZERO_COST
            )
        plumbing = _is_connection_field(parent.name, name)
        weight = Cost(self._weights.get(f"{parent.name}.{name}", 0 if plumbing else 1))
        size = self._size(node, definition)
        if size is None:
            cost = weight + below.once + below.per_row
        elif is_list_type(get_nullable_type(definition.type)):
            cost = weight + (below.once + below.per_row).times(size)
        else:
            cost = weight + below.once + below.per_row.times(size)
        per_row = plumbing and name != "node"
        return own + replace(
            below,
            depth=below.depth + (0 if plumbing else 1),
            once=_ZERO_COST if per_row else cost,
            per_row=cost if per_row else _ZERO_COST,
        )

    def _size(self, node: FieldNode, definition: GraphQLField) -> FieldSize | None:
        """How the rows of this field are reckoned, or None when it isn't a page."""
        paged = "first" in definition.args or "last" in definition.args
        if not paged and "ids" not in definition.args:
            return None
        names = ("first", "last") if paged else ("ids",)
        given: list[ArgumentNode] = [argument for argument in node.arguments or () if argument.name.value in names]
        variables = tuple(each.value.name.value for each in given if isinstance(each.value, VariableNode))
        literals = [_literal_size(each.value) for each in given]
        numbers = tuple(max(0, each) for each in literals if isinstance(each, int))
        lengths = tuple(len(each) for each in literals if isinstance(each, list))
        return FieldSize((*numbers, *lengths), variables, self._page_rows if paged else 1)


def _is_connection_field(parent: str, name: str) -> bool:
    return (parent.endswith("Connection") and name in ("edges", "nodes")) or (parent.endswith("Edge") and name == "node")


def _literal_size(value: ValueNode | None) -> Any:
    """An Int or list literal as far as its size goes; None for anything else."""
    match value:
        case IntValueNode(value=digits):
            return int(digits) if len(digits) < 20 else _MAX_COUNT
        case ListValueNode(values=values):
            return list(values)
    return None
