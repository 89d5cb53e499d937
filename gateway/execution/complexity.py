"""Measures the complexity of a validated document: one walk over its operations that visits every fragment once."""

from collections.abc import Mapping
from typing import Any, Final

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

_INTROSPECTION_COSTS: Final = {"__schema": 1_000, "__type": 50}
_TYPE_WEIGHTS: Final = {"Markdown": 2}
"""Weights of leaf types whose values may be long."""
_MAX_COUNT: Final = 2**53  # counts that double with every fragment stay small numbers
_ZERO_COST: Final = Cost()


class _Measure:
    """The sums over a selection set. `per_row`: the cost for each row, when its type is a connection."""

    __slots__ = (
        "_once",
        "_once_terms",
        "_per_row",
        "_per_row_terms",
        "aliases",
        "depth",
        "directives",
        "fields",
        "introspection_depth",
        "introspects",
    )

    def __init__(self) -> None:
        self.depth = self.introspection_depth = self.aliases = self.directives = self.fields = 0
        self.introspects = False
        self._once = self._per_row = 0
        self._once_terms: list[tuple[FieldSize | None, Cost]] = []
        self._per_row_terms: list[tuple[FieldSize | None, Cost]] = []

    def add(self, other: "_Measure") -> None:
        self.depth = max(self.depth, other.depth)
        self.introspection_depth = max(self.introspection_depth, other.introspection_depth)
        self.aliases = min(_MAX_COUNT, self.aliases + other.aliases)
        self.directives = min(_MAX_COUNT, self.directives + other.directives)
        self.fields = min(_MAX_COUNT, self.fields + other.fields)
        self.introspects |= other.introspects
        self.add_once(other.once)
        self.add_per_row(other.per_row)

    def add_once(self, cost: Cost) -> None:
        self._once += 0 if cost.terms else cost.constant
        if cost.terms:  # one shared part: copying its terms would grow with every spread
            self._once_terms.append((None, cost))

    def add_per_row(self, cost: Cost) -> None:
        self._per_row += 0 if cost.terms else cost.constant
        if cost.terms:
            self._per_row_terms.append((None, cost))

    @property
    def once(self) -> Cost:
        return Cost(self._once, tuple(self._once_terms)) if self._once or self._once_terms else _ZERO_COST

    @property
    def per_row(self) -> Cost:
        return Cost(self._per_row, tuple(self._per_row_terms)) if self._per_row or self._per_row_terms else _ZERO_COST


class ComplexityVisitor:
    """Measures the operations of one document. The document must be valid: no cycles, no unknown fields."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode, weights: Mapping[str, int], page_rows: int) -> None:
        self._schema = schema
        self._weights = weights
        self._page_rows = page_rows
        self._fragments = {
            definition.name.value: definition
            for definition in document.definitions
            if isinstance(definition, FragmentDefinitionNode)
        }
        self._by_fragment: dict[str, _Measure] = {}

    def measure(self, operation: OperationDefinitionNode) -> OperationComplexity:
        """The complexity of the whole operation."""
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

    def heaviest_path(self, operation: OperationDefinitionNode, values: Mapping[str, Any]) -> list[str]:
        """The response keys that lead to the list with the greatest part of the cost: at each level the most expensive field."""
        path: list[str] = []
        parent: GraphQLNamedType | None = self._schema.get_root_type(operation.operation)
        selections: list[tuple[FieldNode, GraphQLNamedType]] = self.fields_of(operation.selection_set, parent)
        length = 0
        while selections:
            costs = [self._cost_of(node, type_, values) for node, type_ in selections]
            node, type_ = selections[costs.index(max(costs))]
            path.append(node.alias.value if node.alias else node.name.value)
            definition = self._schema.get_field(type_, node.name.value)  # type: ignore[arg-type]
            if definition is None:
                break
            if self._size(node, definition) is not None:
                length = len(path)
            selections = self.fields_of(node.selection_set, get_named_type(definition.type))
        return path[: length or 1]

    def _cost_of(self, node: FieldNode, parent: GraphQLNamedType, values: Mapping[str, Any]) -> int:
        measure = _Measure()
        self._add_field(measure, node, parent)
        return measure.once.compute(values) + measure.per_row.compute(values)

    def root_type(self, operation: OperationDefinitionNode) -> GraphQLNamedType | None:
        """The type of which the operation selects fields."""
        return self._schema.get_root_type(operation.operation)

    def weight_of(self, node: FieldNode, parent: GraphQLNamedType) -> tuple[int, GraphQLField | None]:
        """What a field costs once, without what is selected below it; and its definition."""
        name = node.name.value
        definition = self._schema.get_field(parent, name) if is_composite_type(parent) else None
        if definition is None or name == "__typename":
            return 0, definition
        if name in _INTROSPECTION_COSTS:
            return _INTROSPECTION_COSTS[name], definition
        default = _TYPE_WEIGHTS.get(get_named_type(definition.type).name, 1) if node.selection_set is None else 1
        return self._weights.get(f"{parent.name}.{name}", 0 if _is_connection_field(parent.name, name) else default), definition

    def fields_of(
        self, selections: SelectionSetNode | None, parent: GraphQLNamedType | None
    ) -> list[tuple[FieldNode, GraphQLNamedType]]:
        """
        The fields of a selection set with their parents' types, those of its fragments too.

        Each fragment is read once: with each that spreads another twice, reading them again would take twice as long.
        """
        found: dict[int, tuple[FieldNode, GraphQLNamedType]] = {}  # by identity: to compare nodes is to compare all below them
        spread: set[str] = set()

        def collect(selections: SelectionSetNode | None, parent: GraphQLNamedType | None) -> None:
            if selections is None or parent is None:
                return
            for node in selections.selections:
                match node:
                    case FieldNode():
                        found.setdefault(id(node), (node, parent))
                    case InlineFragmentNode(type_condition=condition):
                        collect(node.selection_set, type_from_ast(self._schema, condition) if condition else parent)
                    case FragmentSpreadNode() if node.name.value not in spread:
                        spread.add(node.name.value)
                        definition = self._fragments[node.name.value]
                        collect(definition.selection_set, type_from_ast(self._schema, definition.type_condition))

        collect(selections, parent)
        return list(found.values())

    def _selections(self, selections: SelectionSetNode | None, parent: GraphQLNamedType | None) -> _Measure:
        total = _Measure()
        if selections is None or parent is None:
            return total
        for node in selections.selections:
            if node.directives:
                total.directives = min(_MAX_COUNT, total.directives + len(node.directives))
            if isinstance(node, FieldNode):
                self._add_field(total, node, parent)
            elif isinstance(node, InlineFragmentNode):
                inner = type_from_ast(self._schema, node.type_condition) if node.type_condition else parent
                total.add(self._selections(node.selection_set, inner))
            elif isinstance(node, FragmentSpreadNode):
                total.add(self._fragment(node.name.value))
        return total

    def _fragment(self, name: str) -> _Measure:
        if (known := self._by_fragment.get(name)) is None:
            definition = self._fragments[name]
            inner = type_from_ast(self._schema, definition.type_condition)
            known = self._selections(definition.selection_set, inner)
            known.directives += len(definition.directives or ())
            self._by_fragment[name] = known
        return known

    def _add_field(self, total: _Measure, node: FieldNode, parent: GraphQLNamedType) -> None:
        name = node.name.value
        total.fields += 1
        total.aliases += node.alias is not None
        definition = self._schema.get_field(parent, name) if is_composite_type(parent) else None
        if definition is None or name == "__typename":
            total.depth = max(total.depth, 1)
            return
        type_ = get_named_type(definition.type)
        if node.selection_set is None:
            # The most frequent case, without a measure of its own.
            total.depth = max(total.depth, 1)
            total.add_once(Cost(self._weights.get(f"{parent.name}.{name}", _TYPE_WEIGHTS.get(type_.name, 1))))
            return
        below = self._selections(node.selection_set, type_)
        total.aliases = min(_MAX_COUNT, total.aliases + below.aliases)
        total.directives = min(_MAX_COUNT, total.directives + below.directives)
        if name in _INTROSPECTION_COSTS:
            total.depth = max(total.depth, 1)
            total.introspection_depth = max(total.introspection_depth, below.introspection_depth, below.depth + 1)
            total.introspects = True
            total.add_once(Cost(_INTROSPECTION_COSTS[name]))
            return
        is_plumbing = _is_connection_field(parent.name, name)
        weight = Cost(self._weights.get(f"{parent.name}.{name}", 0 if is_plumbing else 1))
        size = self._size(node, definition)
        if size is None:
            cost = weight + below.once + below.per_row
        elif is_list_type(get_nullable_type(definition.type)):
            cost = weight + (below.once + below.per_row).times(size)
        else:
            cost = weight + below.once + below.per_row.times(size)
        total.introspection_depth = max(total.introspection_depth, below.introspection_depth)
        total.introspects |= below.introspects
        total.depth = max(total.depth, below.depth + (0 if is_plumbing else 1))
        if is_plumbing and name != "node":
            total.add_per_row(cost)
        else:
            total.add_once(cost)

    def _size(self, node: FieldNode, definition: GraphQLField) -> FieldSize | None:
        """The number of rows of a field, or None when it is no list that the client sizes."""
        paged = "first" in definition.args or "last" in definition.args
        if not paged and "ids" not in definition.args:
            return None
        names = ("first", "last") if paged else ("ids",)
        sizing: list[ArgumentNode] = [argument for argument in node.arguments or () if argument.name.value in names]
        variables = tuple(each.value.name.value for each in sizing if isinstance(each.value, VariableNode))
        literals = [_literal_size(each.value) for each in sizing]
        numbers = tuple(max(0, each) for each in literals if isinstance(each, int))
        lengths = tuple(len(each) for each in literals if isinstance(each, list))
        return FieldSize((*numbers, *lengths), variables, self._page_rows if paged else 1)


def _is_connection_field(parent: str, name: str) -> bool:
    return (parent.endswith("Connection") and name in ("edges", "nodes")) or (parent.endswith("Edge") and name == "node")


def _literal_size(value: ValueNode | None) -> Any:
    """The value of an Int literal, or the items of a list literal; None for any other."""
    match value:
        case IntValueNode(value=digits):
            return int(digits) if len(digits) < 20 else _MAX_COUNT
        case ListValueNode(values=values):
            return list(values)
    return None
