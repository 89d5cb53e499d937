"""Collects the fields that an operation selects on a type: fragments expanded, aliases merged, `@skip` and `@include` applied.

This is graphql-core's CollectFields, done once per operation and set of directive variables instead of once per object. Directive
variables are those in `@skip` and `@include`; a program is compiled for one set of their values.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    GraphQLAbstractType,
    GraphQLEnumType,
    GraphQLIncludeDirective,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLSkipDirective,
)
from graphql.language import (
    BooleanValueNode,
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    SelectionNode,
    SelectionSetNode,
    VariableNode,
    Visitor,
    visit,
)

DirectiveVariables = Mapping[str, Any]
CollectedFields = dict[str, list[FieldNode]]


def directive_variable_names(document: DocumentNode) -> tuple[str, ...]:
    """The variables in `@skip` and `@include` anywhere in a document, sorted."""
    found: set[str] = set()

    class Finder(Visitor):
        def enter_directive(self, node: DirectiveNode, *_: Any) -> None:
            if node.name.value in (GraphQLSkipDirective.name, GraphQLIncludeDirective.name):
                found.update(arg.value.name.value for arg in node.arguments or () if isinstance(arg.value, VariableNode))

    visit(document, Finder())
    return tuple(sorted(found))


@dataclass(frozen=True, slots=True)
class FieldCollector:
    """Collects the fields of one document for one set of directive variables."""

    schema: GraphQLSchema
    fragments: Mapping[str, FragmentDefinitionNode]
    directive_variables: DirectiveVariables

    def collect_fields(self, type_: GraphQLObjectType, selection_sets: Iterable[SelectionSetNode]) -> CollectedFields:
        """The field nodes of selection sets as they apply to an object type, by response key, in order of appearance."""
        found: CollectedFields = {}
        seen: set[str] = set()
        for each in selection_sets:
            self._collect(type_, each, found, seen)
        return found

    def _collect(self, type_: GraphQLObjectType, selection_set: SelectionSetNode, found: CollectedFields, seen: set[str]) -> None:
        for node in selection_set.selections:
            if not self._is_included(node):
                continue
            if isinstance(node, FieldNode):
                key = node.alias.value if node.alias else node.name.value
                found.setdefault(key, []).append(node)
            elif isinstance(node, InlineFragmentNode):
                condition = node.type_condition
                if condition is None or self._applies(condition.name.value, type_):
                    self._collect(type_, node.selection_set, found, seen)
            elif isinstance(node, FragmentSpreadNode):
                name = node.name.value
                if name not in seen:
                    seen.add(name)
                    fragment = self.fragments[name]
                    if self._applies(fragment.type_condition.name.value, type_):
                        self._collect(type_, fragment.selection_set, found, seen)

    def _applies(self, condition: str, type_: GraphQLObjectType) -> bool:
        if condition == type_.name:
            return True
        named = self.schema.type_map[condition]
        return isinstance(named, GraphQLAbstractType) and self.schema.is_sub_type(named, type_)

    def _is_included(self, node: SelectionNode) -> bool:
        for directive in node.directives or ():
            if directive.name.value == "skip" and self._condition_value(directive):
                return False
            if directive.name.value == "include" and not self._condition_value(directive):
                return False
        return True

    def _condition_value(self, directive: DirectiveNode) -> bool:
        assert directive.arguments
        value = directive.arguments[0].value
        if isinstance(value, VariableNode):
            return bool(self.directive_variables[value.name.value])
        assert isinstance(value, BooleanValueNode)
        return value.value


def unwrap_non_null(type_: GraphQLOutputType) -> tuple[bool, GraphQLOutputType]:
    """Whether a type is nullable, and the type without `!`."""
    return (False, type_.of_type) if isinstance(type_, GraphQLNonNull) else (True, type_)


def is_leaf_or_leaf_list(type_: GraphQLOutputType) -> bool:
    """Whether a type is a leaf, or a list of leaves of any depth."""
    while isinstance(type_, GraphQLNonNull | GraphQLList):
        type_ = type_.of_type
    return isinstance(type_, GraphQLScalarType | GraphQLEnumType)


def is_single_object(type_: GraphQLOutputType) -> bool:
    """Whether a type is a single object, interface or union."""
    return not isinstance(unwrap_non_null(type_)[1], GraphQLList | GraphQLScalarType | GraphQLEnumType)
