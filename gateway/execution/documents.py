"""Documents: source text to checked operations, once; then from memory.

A document is parsed, validated by the rules of the specification, and measured (`gateway.execution.limits`); what came out,
operations or errors, is remembered. Two bounded caches, least recently used first out: good documents, and a small one for
refused ones, so that a client repeating a mistake costs nothing and a stream of different mistakes can't push out what works.
Both are bounded by entries and by source length, since a parsed document takes up to 210 bytes per character.

Keys are the source strings themselves: the parsed document holds its source anyway, and hashing 16 KiB with SHA-256 on each
request costs more than the lookup. Our own checks run after the specification's rules, not among them, so they may rely on a
document without cycles and unknown names; until then the token limit and the rules' own budgets bound the work.

Rejected: parsing without locations (a third less memory, but errors without `locations`); Strawberry's `OneOf` rule (fails on
fragments; graphql-core checks one-of inputs itself); an `lru_cache` (no bound by size).
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

from graphql import GraphQLError, GraphQLSyntaxError, parse, validate
from graphql.language import DocumentNode, OperationDefinitionNode, OperationType, StringValueNode
from graphql.type import GraphQLSchema
from graphql.validation import (
    ASTValidationRule,
    MaxIntrospectionDepthRule,
    OverlappingFieldsCanBeMergedRule,
    ValidationContext,
    specified_rules,
)
from graphql.validation.validate import ValidationAbortedError
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule

from gateway.execution.complexity import ComplexityVisitor
from gateway.execution.errors import FormattedError, coded_error, format_request_error
from gateway.execution.limits import Limits, OperationComplexity, limit_errors, limit_extensions
from gateway.execution.variables import VariableCoercer

V = TypeVar("V")

_VALID_CACHE_LIMITS = (1_000, 256 * 1024)  # 55 MB when full of the densest documents
_INVALID_CACHE_LIMITS = (200, 128 * 1024)


UNPLANNED: Final = object()
"""The plan of an operation whose plan is not known."""


@dataclass(slots=True, kw_only=True, eq=False)
class Operation:
    """One operation of a valid document, ready to execute; what was compiled of it goes when the document is forgotten."""

    document: DocumentNode
    definition: OperationDefinitionNode
    complexity: OperationComplexity
    directive_variables: tuple[str, ...] | None = None
    variable_coercer: VariableCoercer | None = None
    programs: dict[tuple[Any, ...], Any] = field(default_factory=dict)
    subscription_plan: Any = UNPLANNED
    """Of `gateway.subscriptions.plan`, once it is known."""

    @property
    def name(self) -> str | None:
        return self.definition.name.value if self.definition.name else None

    @property
    def kind(self) -> OperationType:
        return self.definition.operation


@dataclass(frozen=True, slots=True)
class ParsedDocument:
    """The operations of a valid document by name; the only one without a name is under None."""

    operations: Mapping[str | None, Operation]

    def select_operation(self, name: str | None) -> Operation | FormattedError:
        """The operation to run, or why there is none."""
        if name is None and len(self.operations) == 1:
            return next(iter(self.operations.values()))
        if (operation := self.operations.get(name)) is not None:
            return operation
        if name is None:
            return coded_error("The document has several operations: say which by operationName.", "BAD_USER_INPUT")
        return coded_error("The document has no operation with this operationName.", "BAD_USER_INPUT")


@dataclass(frozen=True, slots=True)
class InvalidDocument:
    """A document that may not run, and why."""

    errors: tuple[FormattedError, ...]


class DocumentCache:
    """Parsed and checked documents of one schema."""

    def __init__(self, schema: GraphQLSchema, limits: Limits, *, weights: Mapping[str, int], hints: bool) -> None:
        """`weights` are costs by schema coordinate ("Query.search"); `hints` allows "Did you mean …" in messages."""
        self._schema = schema
        self._limits = limits
        self._weights = weights
        self._hints = hints
        self._rules = (*_specified_rules(limits), MaxIntrospectionDepthRule, NoNulRule)
        self._valid: _LruCache[ParsedDocument] = _LruCache(*_VALID_CACHE_LIMITS)
        self._invalid: _LruCache[InvalidDocument] = _LruCache(*_INVALID_CACHE_LIMITS)

    def load(self, source: str) -> ParsedDocument | InvalidDocument:
        """The document with this source, or the errors that it always gives."""
        if (document := self._valid.get(source)) is not None:
            return document
        if (refused := self._invalid.get(source)) is not None:
            return refused
        checked = self._parse_and_validate(source)
        if isinstance(checked, ParsedDocument):
            self._valid.put(source, checked)
        elif len(source) <= self._limits.source_bytes:
            self._invalid.put(source, checked)
        return checked

    def _parse_and_validate(self, source: str) -> ParsedDocument | InvalidDocument:
        limits = self._limits
        size = len(source) if len(source) > limits.source_bytes else len(source.encode(errors="replace"))
        if size > limits.source_bytes:
            extensions = limit_extensions("QUERY_TOO_COMPLEX", "source bytes", limits.source_bytes, size)
            return InvalidDocument(({"message": "The query's text is too long.", "extensions": extensions},))
        try:
            node = parse(source, max_tokens=limits.tokens, allow_empty_selection_sets=False)
        except GraphQLSyntaxError as error:
            if f"more than {limits.tokens} tokens" in error.message:
                extensions = limit_extensions("QUERY_TOO_COMPLEX", "tokens", limits.tokens)
                return InvalidDocument(({"message": "The query's text is too long.", "extensions": extensions},))
            deep = "nested too deeply" in error.message
            return InvalidDocument((format_request_error(error, "QUERY_TOO_DEEP" if deep else "GRAPHQL_PARSE_FAILED"),))
        if errors := validate(self._schema, node, self._rules, limits.validation_errors, hide_suggestions=not self._hints):
            return InvalidDocument(tuple(self._rule_error(error) for error in errors))
        definitions = [each for each in node.definitions if isinstance(each, OperationDefinitionNode)]
        if not definitions:
            return InvalidDocument((coded_error("The document has no operation.", "GRAPHQL_VALIDATION_FAILED"),))
        if errors := validate(self._schema, node, [MaybeNullValidationRule], limits.validation_errors):
            return InvalidDocument(tuple(self._rule_error(error) for error in errors))
        return self._check_complexity(node, definitions)

    def _check_complexity(
        self, node: DocumentNode, definitions: Iterable[OperationDefinitionNode]
    ) -> ParsedDocument | InvalidDocument:
        surveyor = ComplexityVisitor(self._schema, node, self._weights, self._limits.page_rows)
        operations: dict[str | None, Operation] = {}
        errors: list[GraphQLError] = []
        for definition in definitions:
            measure = surveyor.measure(definition)
            errors += limit_errors(measure, self._limits, definition)
            operation = Operation(document=node, definition=definition, complexity=measure)
            operations[operation.name] = operation
        if errors:
            return InvalidDocument(tuple(format_request_error(error, "QUERY_TOO_COMPLEX") for error in errors))
        return ParsedDocument(operations)

    def _rule_error(self, error: GraphQLError) -> FormattedError:
        if isinstance(error, ValidationAbortedError) and error.message == "Validation aborted.":
            return coded_error("The query is too complex to be validated.", "QUERY_TOO_COMPLEX")
        return format_request_error(error, "GRAPHQL_VALIDATION_FAILED")


class NoNulRule(ASTValidationRule):
    """No string literal holds U+0000: Postgres can't store it."""

    def enter_string_value(self, node: StringValueNode, *_: Any) -> None:
        if "\0" in node.value:
            self.report_error(GraphQLError("A string holds the character U+0000.", node, extensions={"code": "BAD_USER_INPUT"}))


def _specified_rules(limits: Limits) -> tuple[type[ASTValidationRule], ...]:
    """The rules of the specification, the one that compares fields pairwise with our budget instead of its own."""

    class BoundedOverlap(OverlappingFieldsCanBeMergedRule):
        def __init__(self, context: ValidationContext) -> None:
            super().__init__(context)
            self.rule_context.remaining_complexity_budget = limits.comparisons

    return tuple(BoundedOverlap if rule is OverlappingFieldsCanBeMergedRule else rule for rule in specified_rules)


class _LruCache(Generic[V]):
    """The most recently used values, bounded by number and by the sum of their sources' lengths."""

    def __init__(self, max_entries: int, max_characters: int) -> None:
        self._max_entries = max_entries
        self._max_characters = max_characters
        self._used_characters = 0
        self._values: OrderedDict[str, V] = OrderedDict()

    def get(self, source: str) -> V | None:
        if (kept := self._values.get(source)) is not None:
            self._values.move_to_end(source)
        return kept

    def put(self, source: str, value: V) -> None:
        self._values[source] = value
        self._used_characters += len(source)
        while len(self._values) > self._max_entries or self._used_characters > self._max_characters:
            gone, _ = self._values.popitem(last=False)
            self._used_characters -= len(gone)
