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

from gateway.execution.limits import Cost, Measure, Size

_INTROSPECTION = {"__schema": 1_000, "__type": 50}
_FREE = Cost()
_CAP = 2**53  # counts that double with every fragment stay small numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sum:
    """A selection set's measure; `each` is the cost per row when its type is a connection."""

    depth: int = 0
    introspection_depth: int = 0
    aliases: int = 0
    directives: int = 0
    fields: int = 0
    introspects: bool = False
    once: Cost = _FREE
    each: Cost = _FREE

    def __add__(self, other: "_Sum") -> "_Sum":
        return _Sum(
            depth=max(self.depth, other.depth),
            introspection_depth=max(self.introspection_depth, other.introspection_depth),
            aliases=min(_CAP, self.aliases + other.aliases),
            directives=min(_CAP, self.directives + other.directives),
            fields=min(_CAP, self.fields + other.fields),
            introspects=self.introspects or other.introspects,
            once=self.once + other.once,
            each=self.each + other.each,
        )


class Surveyor:
    """Measures the operations of one document; lives as long as its measures are taken."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode, weights: Mapping[str, int], page: int) -> None:
        self._schema = schema
        self._weights = weights
        self._page = page
        self._fragments = {
            definition.name.value: definition
            for definition in document.definitions
            if isinstance(definition, FragmentDefinitionNode)
        }
        self._known: dict[str, _Sum] = {}

    def measure(self, operation: OperationDefinitionNode) -> Measure:
        """The whole operation's measure. The document must be valid: no cycles, no unknown fields."""
        root = self._schema.get_root_type(operation.operation)
        total = self._selections(operation.selection_set, root)
        definitions = operation.variable_definitions or ()
        own = len(operation.directives or ()) + sum(len(each.directives or ()) for each in definitions)
        return Measure(
            depth=total.depth,
            introspection_depth=total.introspection_depth,
            aliases=total.aliases,
            directives=total.directives + own,
            root_fields=total.fields,
            introspects=total.introspects,
            cost=total.once + total.each,
            defaults={
                each.variable.name.value: value for each in definitions if (value := _literal(each.default_value)) is not None
            },
        )

    def _selections(self, selections: SelectionSetNode | None, parent: GraphQLNamedType | None) -> _Sum:
        total = _Sum()
        if selections is None or parent is None:
            return total
        for selection in selections.selections:
            own = _Sum(directives=len(selection.directives or ()))
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

    def _fragment(self, name: str) -> _Sum:
        if (known := self._known.get(name)) is None:
            definition = self._fragments[name]
            inner = type_from_ast(self._schema, definition.type_condition)
            known = self._selections(definition.selection_set, inner) + _Sum(directives=len(definition.directives or ()))
            self._known[name] = known
        return known

    def _field(self, node: FieldNode, parent: GraphQLNamedType) -> _Sum:
        name = node.name.value
        own = _Sum(fields=1, aliases=1 if node.alias else 0)
        definition = self._schema.get_field(parent, name) if is_composite_type(parent) else None
        if definition is None or name == "__typename":
            return replace(own, depth=1)
        below = replace(self._selections(node.selection_set, get_named_type(definition.type)), fields=0)
        if name in _INTROSPECTION:
            flat = Cost(_INTROSPECTION[name])
            return own + replace(below, depth=1, introspection_depth=below.depth + 1, introspects=True, once=flat, each=_FREE)
        plumbing = _is_plumbing(parent.name, name)
        weight = Cost(self._weights.get(f"{parent.name}.{name}", 0 if plumbing else 1))
        size = self._size(node, definition)
        if size is None:
            cost = weight + below.once + below.each
        elif is_list_type(get_nullable_type(definition.type)):
            cost = weight + (below.once + below.each).times(size)
        else:
            cost = weight + below.once + below.each.times(size)
        per_row = plumbing and name != "node"
        return own + replace(
            below,
            depth=below.depth + (0 if plumbing else 1),
            once=_FREE if per_row else cost,
            each=cost if per_row else _FREE,
        )

    def _size(self, node: FieldNode, definition: GraphQLField) -> Size | None:
        """How the rows of this field are reckoned, or None when it isn't a page."""
        paged = "first" in definition.args or "last" in definition.args
        if not paged and "ids" not in definition.args:
            return None
        names = ("first", "last") if paged else ("ids",)
        given: list[ArgumentNode] = [argument for argument in node.arguments or () if argument.name.value in names]
        variables = tuple(each.value.name.value for each in given if isinstance(each.value, VariableNode))
        literals = [_literal(each.value) for each in given]
        numbers = tuple(max(0, each) for each in literals if isinstance(each, int))
        lengths = tuple(len(each) for each in literals if isinstance(each, list))
        return Size((*numbers, *lengths), variables, self._page if paged else 1)


def _is_plumbing(parent: str, name: str) -> bool:
    return (parent.endswith("Connection") and name in ("edges", "nodes")) or (parent.endswith("Edge") and name == "node")


def _literal(value: ValueNode | None) -> Any:
    """An Int or list literal as far as its size goes; None for anything else."""
    match value:
        case IntValueNode(value=digits):
            return int(digits) if len(digits) < 20 else _CAP
        case ListValueNode(values=values):
            return list(values)
    return None
