"""Validates parsed documents: limits that need no types first, then the rules of the specification where they can apply.

graphql-core visits every node with every rule, and compares fields pairwise; a hostile document of 10 KB took 130 ms. So a
document is walked once, at a few microseconds a field. The walk

- counts what is limited (aliases, directives and variables of each definition, operations, fragments, nesting);
- finds the *plain* fields: they exist, take no arguments, have no directives, and select fields if their type has any. Nothing
  can be wrong with them, so the rules visit a document without them: `{ viewer { avatarUrl(size: 9) } }` of
  `{ viewer { id displayName avatarUrl(size: 9) } }`;
- collects what each response key stands for. When every key stands for one field with the same arguments and type, no fields can
  conflict, and the rule that compares them is left out.

Rules about fragments, variables or directives are left out for documents without any. The rules about `@defer` and `@stream` are
not needed: the schema has neither directive.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from graphql import GraphQLError, GraphQLSchema, validate
from graphql.language import (
    DefinitionNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    InlineFragmentNode,
    NameNode,
    OperationDefinitionNode,
    OperationType,
    SelectionNode,
    SelectionSetNode,
    StringValueNode,
)
from graphql.type import GraphQLNamedType, get_named_type, is_composite_type, is_required_argument
from graphql.utilities import type_from_ast
from graphql.validation import (
    ASTValidationRule,
    MaxIntrospectionDepthRule,
    OverlappingFieldsCanBeMergedRule,
    ValidationContext,
    specified_rules,
)

from gateway.execution.limits import Limits, limit_extensions

_FRAGMENT_RULES: Final = frozenset(
    {
        "FragmentsOnCompositeTypesRule",
        "KnownFragmentNamesRule",
        "NoFragmentCyclesRule",
        "NoUnusedFragmentsRule",
        "PossibleFragmentSpreadsRule",
        "UniqueFragmentNamesRule",
    }
)
_VARIABLE_RULES: Final = frozenset(
    {
        "NoUndefinedVariablesRule",
        "NoUnusedVariablesRule",
        "UniqueVariableNamesRule",
        "VariablesAreInputTypesRule",
        "VariablesInAllowedPositionRule",
    }
)
_DIRECTIVE_RULES: Final = frozenset({"KnownDirectivesRule", "UniqueDirectivesPerLocationRule"})
_UNNEEDED_RULES: Final = frozenset(
    {
        "DeferStreamDirectiveLabel",
        "DeferStreamDirectiveOnRootField",
        "DeferStreamDirectiveOnValidOperationsRule",
        "StreamDirectiveOnListField",
    }
)
_SEPARATE_RULES: Final = (OverlappingFieldsCanBeMergedRule, MaxIntrospectionDepthRule)
_TYPENAME: Final = FieldNode(name=NameNode(value="__typename"))
MAX_NESTING: Final = 100


class NoNulRule(ASTValidationRule):
    """No string literal has U+0000: Postgres cannot store it."""

    def enter_string_value(self, node: StringValueNode, *_: Any) -> None:
        if "\0" in node.value:
            self.report_error(GraphQLError("A string holds the character U+0000.", node, extensions={"code": "BAD_USER_INPUT"}))


class Validator:
    """Validates documents of one schema. `hints` allows "Did you mean …" in messages."""

    def __init__(self, schema: GraphQLSchema, limits: Limits, *, hints: bool) -> None:
        self._schema = schema
        self._limits = limits
        self._hints = hints
        self._rules: list[type[ASTValidationRule]] = [
            rule for rule in (*specified_rules, NoNulRule) if rule not in _SEPARATE_RULES and rule.__name__ not in _UNNEEDED_RULES
        ]
        self._overlap_rule = _bounded_overlap(limits)

    def validate(self, document: DocumentNode, source: str) -> Sequence[GraphQLError]:
        """What is wrong with a document, whatever its variables; errors about limits carry their extensions."""
        outline = Outline(self._schema, document, source)
        if errors := outline.limit_errors(self._limits):
            return errors
        excluded: set[str] = set()
        if "..." not in source and "fragment" not in source:
            excluded |= _FRAGMENT_RULES
        if "$" not in source:
            excluded |= _VARIABLE_RULES
        if "@" not in source:
            excluded |= _DIRECTIVE_RULES
        found = self._apply([rule for rule in self._rules if rule.__name__ not in excluded], outline.reduced)
        if found:
            return found
        whole: list[type[ASTValidationRule]] = []
        if outline.may_conflict:
            whole.append(self._overlap_rule)
        if "__schema" in source or "__type" in source:
            whole.append(MaxIntrospectionDepthRule)
        return self._apply(whole, document) if whole else []

    def _apply(self, rules: Sequence[type[ASTValidationRule]], document: DocumentNode) -> Sequence[GraphQLError]:
        return validate(self._schema, document, rules, self._limits.validation_errors, hide_suggestions=not self._hints)


def _bounded_overlap(limits: Limits) -> type[ASTValidationRule]:
    class BoundedOverlapRule(OverlappingFieldsCanBeMergedRule):
        """The rule of the specification with our budget."""

        def __init__(self, context: ValidationContext) -> None:
            super().__init__(context)
            self.rule_context.remaining_complexity_budget = limits.comparisons

    return BoundedOverlapRule


class Outline:
    """The results of one walk over a document, which may be invalid in any way."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode, source: str) -> None:
        self._schema = schema
        self._source = source
        self._meanings: dict[str, tuple[str, str, str]] = {}
        self.may_conflict = False
        """Whether a response key may stand for different fields, arguments or types."""
        self._aliases = self._directives = self._depth = 0
        self.largest = {"aliases": 0, "directives": 0, "selections": 0, "variables": 0}
        """The largest count of a single definition."""
        self.operations = self.fragments = 0
        self.reduced = replace(document, definitions=tuple(map(self._definition, document.definitions)))
        """The document without its plain fields."""

    def _definition(self, definition: DefinitionNode) -> DefinitionNode:
        self._aliases = self._directives = self._depth = variables = 0
        parent: GraphQLNamedType | None
        match definition:
            case OperationDefinitionNode():
                self.operations += 1
                variables = len(definition.variable_definitions or ())
                parent = self._schema.get_root_type(definition.operation)
            case FragmentDefinitionNode():
                self.fragments += 1
                parent = type_from_ast(self._schema, definition.type_condition)
            case _:
                return definition
        self._directives += len(definition.directives or ())
        # A subscription has one root field, plain or not: a rule counts them.
        whole = isinstance(definition, OperationDefinitionNode) and definition.operation is OperationType.SUBSCRIPTION
        selections = self._walk(definition.selection_set, parent, 1, whole=whole)
        counts = {"aliases": self._aliases, "directives": self._directives, "selections": self._depth, "variables": variables}
        self.largest = {name: max(count, counts[name]) for name, count in self.largest.items()}
        return replace(definition, selection_set=_selection_set(selections))

    def _walk(
        self, selection_set: SelectionSetNode, parent: GraphQLNamedType | None, depth: int, *, whole: bool = False
    ) -> list[SelectionNode]:
        """The selections without plain fields (all of them, if `whole`)."""
        self._depth = max(self._depth, depth)
        if depth > MAX_NESTING:
            return []
        retained: list[SelectionNode] = []
        for node in selection_set.selections:
            self._directives += len(node.directives or ())
            if isinstance(node, FieldNode):
                reduced = self._field(node, parent, depth)
                if reduced is not None or whole:
                    retained.append(reduced or node)
            elif isinstance(node, InlineFragmentNode):
                inner = type_from_ast(self._schema, node.type_condition) if node.type_condition else parent
                retained.append(replace(node, selection_set=_selection_set(self._walk(node.selection_set, inner, depth + 1))))
            else:
                retained.append(node)
        return retained

    def _field(self, node: FieldNode, parent: GraphQLNamedType | None, depth: int) -> FieldNode | None:
        """The field without plain fields below it; None for a plain one."""
        name = node.name.value
        self._aliases += node.alias is not None
        definition = self._schema.get_field(parent, name) if is_composite_type(parent) else None
        selection_set = node.selection_set
        if definition is None:
            self.may_conflict = True
            if selection_set is not None:
                self._walk(selection_set, None, depth + 1)
            return node
        type_ = get_named_type(definition.type)
        composite = is_composite_type(type_)
        shape = str(definition.type)
        meaning = name, self._arguments(node), shape.replace(type_.name, "") if composite else shape
        if self._meanings.setdefault(node.alias.value if node.alias else name, meaning) != meaning:
            self.may_conflict = True
        plain = not (node.arguments or node.directives or any(map(is_required_argument, definition.args.values())))
        if selection_set is None:
            return None if plain and not composite else node
        retained = self._walk(selection_set, type_, depth + 1)
        if not composite:
            return node
        return None if plain and not retained else replace(node, selection_set=_selection_set(retained))

    def _arguments(self, node: FieldNode) -> str:
        if not node.arguments:
            return ""
        first, last = node.arguments[0].loc, node.arguments[-1].loc
        assert first is not None
        assert last is not None
        return self._source[first.start : last.end]

    def limit_errors(self, limits: Limits) -> list[GraphQLError]:
        """The limits that the document exceeds, whatever its types."""
        counts = (
            ("The query has too many aliases.", "aliases", self.largest["aliases"], limits.aliases),
            ("The query has too many directives.", "directives", self.largest["directives"], limits.directives),
            ("The query has too many variables.", "variables", self.largest["variables"], limits.variables),
            ("The document has too many operations.", "operations", self.operations, limits.operations),
            ("The document has too many fragments.", "fragments", self.fragments, limits.fragments),
        )
        errors = [
            GraphQLError(message, extensions=limit_extensions("QUERY_TOO_COMPLEX", quantity, limit, actual))
            for message, quantity, actual, limit in counts
            if actual > limit
        ]
        if self.largest["selections"] > MAX_NESTING:
            extensions = limit_extensions("QUERY_TOO_DEEP", "nested selections", MAX_NESTING)
            errors.append(GraphQLError("The query is nested too deeply.", extensions=extensions))
        return errors


def _selection_set(selections: Sequence[SelectionNode]) -> SelectionSetNode:
    return SelectionSetNode(selections=tuple(selections) or (_TYPENAME,))
