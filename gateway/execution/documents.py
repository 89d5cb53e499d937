"""Loads documents: parsed, validated and measured once, then cached.

A document is scanned (`gateway.execution.tokens`), parsed, validated (`gateway.execution.validation`), and measured
(`gateway.execution.complexity`). The result, operations or errors, is cached under its source, since hashing that is all a
repeated request pays. Documents that differ in comments or whitespace share their validation: another text of a valid document is
only parsed, another text of an invalid one gets its errors with its own locations. Invalid documents have a small cache of their
own, so that a stream of different mistakes does not displace valid documents. Sizes are estimates in bytes: a parsed document
takes up to 210 bytes per character, and a program that is compiled of it some forty times its source.

A document that is not known is read in three steps: `admit` and `store` look at the caches, `read` does the work and may run in
another thread (`gateway.execution.new_documents`).

Our own checks of complexity run after the rules of the specification, so they rely on a document without cycles and unknown
names.

Rejected: parsing without locations (a third less memory, but errors without `locations`); Strawberry's `OneOf` rule (fails on
fragments; graphql-core checks one-of inputs itself); SHA-256 of 16 KiB for each request (costs more than the lookup).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from math import ceil
from typing import Any, Final

from graphql import GraphQLError, GraphQLSyntaxError, parse, validate
from graphql.language import DocumentNode, OperationDefinitionNode, OperationType
from graphql.type import GraphQLSchema
from graphql.validation.validate import ValidationAbortedError
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule

from gateway.execution.actual_cost import ActualCost
from gateway.execution.complexity import ComplexityVisitor
from gateway.execution.dry_run import DryRun, find_dry_run
from gateway.execution.errors import FormattedError, coded_error, format_request_error
from gateway.execution.limits import Limits, OperationComplexity, limit_errors, limit_extensions
from gateway.execution.parsing_budget import ParsingBudget
from gateway.execution.tokens import TokenLocations, document_key, nesting, scan
from gateway.execution.validation import MAX_NESTING, Validator
from gateway.execution.variables import VariableCoercer
from persistence.engine.lru_cache import LruCache

_VALID_CACHE_BYTES: Final = 48 * 2**20
_INVALID_CACHE_BYTES: Final = 2**20
_DOCUMENT_BYTES_PER_CHARACTER: Final = 210
_PROGRAM_BYTES_PER_CHARACTER: Final = 40


UNPLANNED: Final = object()
"""The plan of an operation whose plan is not known."""


def _count_nothing(source_length: int) -> None:
    """The `on_compiled` of operations that no cache has."""


@dataclass(slots=True, kw_only=True, eq=False)
class Operation:
    """One operation of a valid document. `programs` are those compiled of it, by the values of its directive variables."""

    document: DocumentNode
    definition: OperationDefinitionNode
    complexity: OperationComplexity
    dry_run: DryRun | None = None
    """Of an operation that can be asked for nothing but its cost."""
    directive_variables: tuple[str, ...] | None = None
    variable_coercer: VariableCoercer | None = None
    selected_fields: frozenset[str] | None = None
    """The coordinates of what its document selects (`gateway.execution.shared_access`); None until that was asked."""
    selects_position: bool | None = None
    """Whether it asks how far the log is; None until that was looked up."""
    programs: dict[tuple[Any, ...], Any] = field(default_factory=dict)
    compiled_characters: int = 0
    """The length of the sources of its programs."""
    on_compiled: Callable[[int], None] = _count_nothing
    """Called with the length of the source of each compiled program."""
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
        """The operation to run, or the error that there is none."""
        if name is None and len(self.operations) == 1:
            return next(iter(self.operations.values()))
        if (operation := self.operations.get(name)) is not None:
            return operation
        if name is None:
            return coded_error("The document has several operations: choose one with operationName.", "BAD_USER_INPUT")
        return coded_error("The document has no operation with this operationName.", "BAD_USER_INPUT")


@dataclass(frozen=True, slots=True)
class InvalidDocument:
    """A document that may not run, with its errors and its source, to which their locations refer."""

    errors: tuple[FormattedError, ...]
    source: str = ""


@dataclass(frozen=True, slots=True)
class UnreadDocument:
    """The source of a document that is not known, and its key. `known`: another text of the same document, which is valid."""

    source: str
    key: str
    known: ParsedDocument | None


class DocumentCache:
    """The documents of one schema."""

    def __init__(self, schema: GraphQLSchema, limits: Limits, *, weights: Mapping[str, int], hints: bool) -> None:
        """`weights` are costs by schema coordinate ("Query.search"); `hints` allows "Did you mean …" in messages."""
        self._schema = schema
        self._limits = limits
        self._weights = weights
        self._hints = hints
        self._validator = Validator(schema, limits, hints=hints)
        self._valid: LruCache[str, ParsedDocument] = LruCache("documents", _VALID_CACHE_BYTES)
        self._invalid: LruCache[str, InvalidDocument] = LruCache("invalid documents", _INVALID_CACHE_BYTES)
        self._by_key: LruCache[str, ParsedDocument] = LruCache("document keys", _VALID_CACHE_BYTES // 8)

    def find(self, source: str) -> ParsedDocument | None:
        """The valid document with this source, if it is known."""
        return self._valid.get(source)

    def load(self, source: str, budget: ParsingBudget | None = None) -> ParsedDocument | InvalidDocument:
        """The document with this source, or its errors. `budget` pays for parsing one that is not known; it may refuse."""
        found = self.admit(source, budget)
        return self.store(found, self.read(found)) if isinstance(found, UnreadDocument) else found

    def admit(self, source: str, budget: ParsingBudget | None) -> ParsedDocument | InvalidDocument | UnreadDocument:
        """The document with this source, if it is known or refused; else what `read` takes."""
        if (valid := self._valid.get(source)) is not None:
            return valid
        limits = self._limits
        size = len(source) if len(source) > limits.source_bytes else len(source.encode(errors="replace"))
        if size > limits.source_bytes:
            return _too_long("source bytes", limits.source_bytes, size)
        tokens = scan(source)
        if (count := max(len(tokens), source.count("#"))) > limits.tokens:  # comments count too
            return _too_long("tokens", limits.tokens, count)
        definitions, depth = nesting(tokens)
        if definitions > limits.operations + limits.fragments:
            return _too_long("definitions", limits.operations + limits.fragments, definitions)
        if depth > MAX_NESTING:
            extensions = limit_extensions("QUERY_TOO_DEEP", "nested selections", MAX_NESTING, depth)
            return InvalidDocument(({"message": "The query is nested too deeply.", "extensions": extensions},))
        key = document_key(tokens)
        if (invalid := self._invalid.get(key)) is not None:
            return invalid if invalid.source == source else _relocate(invalid, source)
        if budget is not None and (wait_seconds := budget.take(len(tokens))) is not None:
            message = "Too many new documents in too short a time: sign in, or try again later."
            return InvalidDocument((coded_error(message, "RATE_LIMITED", retryAfter=ceil(wait_seconds)),))
        return UnreadDocument(source, key, self._by_key.get(key))

    def read(self, unread: UnreadDocument) -> ParsedDocument | InvalidDocument:
        """The document of a source, parsed and validated. Looks at nothing that others change, so any thread may."""
        return self._parse_and_validate(unread.source, unread.known)

    def store(self, unread: UnreadDocument, document: ParsedDocument | InvalidDocument) -> ParsedDocument | InvalidDocument:
        """Remember what was read; its programs, those of now and of later, count as part of it."""
        source, key = unread.source, unread.key
        if isinstance(document, InvalidDocument):
            self._invalid.put(key, document, 2 * len(key) + 2 * len(source) + 600 * len(document.errors) + 200)
            return document
        for operation in document.operations.values():
            operation.on_compiled = lambda length: self._valid.grow(source, _PROGRAM_BYTES_PER_CHARACTER * length)
        compiled = sum(operation.compiled_characters for operation in document.operations.values())
        size = _DOCUMENT_BYTES_PER_CHARACTER * len(source) + _PROGRAM_BYTES_PER_CHARACTER * compiled + 1_000
        self._valid.put(source, document, size)
        self._by_key.put(key, document, len(key) + 200)
        return document

    def _parse_and_validate(self, source: str, known: ParsedDocument | None = None) -> ParsedDocument | InvalidDocument:
        """`known`: another text of the same document, which is valid."""
        limits = self._limits
        try:
            node = parse(source, max_lexical_tokens=limits.tokens, allow_empty_selection_sets=False)
        except GraphQLSyntaxError as error:
            deep = "nested too deeply" in error.message
            return self._invalid_document([error], "QUERY_TOO_DEEP" if deep else "GRAPHQL_PARSE_FAILED", source)
        definitions = [each for each in node.definitions if isinstance(each, OperationDefinitionNode)]
        if known is not None:
            return ParsedDocument(
                {
                    name: replace(
                        operation,
                        document=node,
                        definition=definition,
                        dry_run=operation.dry_run,
                        variable_coercer=None,
                        programs={},
                        compiled_characters=0,
                        on_compiled=_count_nothing,
                        subscription_plan=UNPLANNED,
                    )
                    for (name, operation), definition in zip(known.operations.items(), definitions, strict=True)
                }
            )
        if errors := self._validator.validate(node, source):
            return self._invalid_document(errors, "GRAPHQL_VALIDATION_FAILED", source)
        if not definitions:
            return InvalidDocument((coded_error("The document has no operation.", "GRAPHQL_VALIDATION_FAILED"),), source)
        if "null" in source and (errors := validate(self._schema, node, [MaybeNullValidationRule], limits.validation_errors)):
            return self._invalid_document(errors, "GRAPHQL_VALIDATION_FAILED", source)
        return self._check_complexity(node, definitions, source)

    def _check_complexity(
        self, node: DocumentNode, definitions: Iterable[OperationDefinitionNode], source: str
    ) -> ParsedDocument | InvalidDocument:
        visitor = ComplexityVisitor(self._schema, node, self._weights, self._limits.page_rows)
        operations: dict[str | None, Operation] = {}
        errors: list[GraphQLError] = []
        for definition in definitions:
            complexity = visitor.measure(definition)
            errors += limit_errors(complexity, self._limits, definition)
            dry_run = find_dry_run(node, definition, visitor) if "dryRun" in source else None
            operation = Operation(document=node, definition=definition, complexity=complexity, dry_run=dry_run)
            operations[operation.name] = operation
        if errors:
            return self._invalid_document(errors, "QUERY_TOO_COMPLEX", source)
        return ParsedDocument(operations)

    def cost_error(self, operation: Operation, variables: Mapping[str, Any], cost: int) -> FormattedError:
        """The error of an operation whose cost exceeds the limit; it names the path with the greatest part of the cost."""
        visitor = ComplexityVisitor(self._schema, operation.document, self._weights, self._limits.page_rows)
        path = visitor.heaviest_path(operation.definition, {**operation.complexity.variable_defaults, **variables})
        message = f"The query asks for too much at once, most of it at {'.'.join(path)}: select fewer rows or fields there."
        extensions = limit_extensions("QUERY_TOO_COMPLEX", "cost", self._limits.cost, cost)
        return {"message": message, "extensions": {**extensions, "heaviestPath": path}}

    def actual_cost(self, operation: Operation, data: Mapping[str, Any] | None) -> int:
        """The cost of an operation with the rows that it returned."""
        visitor = ComplexityVisitor(self._schema, operation.document, self._weights, self._limits.page_rows)
        root = self._schema.get_root_type(operation.kind)
        return 0 if root is None else ActualCost(visitor).compute(operation.definition, root, data)

    def _invalid_document(self, errors: Iterable[GraphQLError], code: str, source: str) -> InvalidDocument:
        return InvalidDocument(tuple(self._format_error(error, code) for error in errors), source)

    def _format_error(self, error: GraphQLError, code: str) -> FormattedError:
        if isinstance(error, ValidationAbortedError) and error.message == "Validation aborted.":
            return coded_error("The query is too complex to be validated.", "QUERY_TOO_COMPLEX")
        return format_request_error(error, code, hints=self._hints)


def _too_long(quantity: str, limit: int, actual: int) -> InvalidDocument:
    extensions = limit_extensions("QUERY_TOO_COMPLEX", quantity, limit, actual)
    return InvalidDocument(({"message": "The query's text is too long.", "extensions": extensions},))


def _relocate(document: InvalidDocument, source: str) -> InvalidDocument:
    """The errors of a document with the locations that they have in another text with the same tokens."""
    before, after = TokenLocations(document.source), TokenLocations(source)
    errors: list[FormattedError] = []
    for error in document.errors:
        locations = []
        for location in error.get("locations", ()):
            if (token := before.token_at(location["line"], location["column"])) is not None:
                line, column = after.location_of(token)
                locations.append({"line": line, "column": column})
        errors.append({**error, "locations": locations} if locations else {k: v for k, v in error.items() if k != "locations"})
    return InvalidDocument(tuple(errors), source)
