"""Executes operations: by compiled programs, and by graphql-core for everything that these do not cover.

`prepare` returns an operation with its variables and cost, `execute` and `subscribe` execute it. When a program raises, for
whatever reason, graphql-core executes the operation and words the errors; a mutation that has run is then not run again
(`Context.mutation_results`).

Strawberry's own `Schema.execute` is not used: it parses and validates each time, builds extension runners that nobody asked for,
and hides whether data was produced at all, which decides the status of the HTTP response. What its resolvers need is used: its
executor class (resolvers receive plain coerced variables), its fast awaitable check, and the schema object that carries its
converters. Extensions registered on the Strawberry schema would be skipped silently, so they are refused.

Consistency of one query: every batch reads what was committed when it ran (READ COMMITTED), so a query that needs two
levels may see a write that came between them; each object is of one moment. A connection is held for one statement, never between
levels.
"""

from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Coroutine, Hashable, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from inspect import isawaitable
from types import MappingProxyType
from typing import Any, NamedTuple

import strawberry
from graphql import ExecutionResult, introspection_from_schema
from graphql.execution import Executor as CoreExecutor
from graphql.execution import create_source_event_stream
from graphql.language import OperationType
from strawberry.execution import optimized_is_awaitable

from domain.errors import Overloaded
from gateway.execution.compiled.leaf_serialization import dump_data
from gateway.execution.compiled.program import NotCompiled, ProgramCompiler
from gateway.execution.documents import DocumentCache, InvalidDocument, Operation, ParsedDocument, UnreadDocument
from gateway.execution.dry_run import DryRun
from gateway.execution.errors import FormattedError, coded_error, format_errors, format_field_errors, format_request_error
from gateway.execution.limits import Limits
from gateway.execution.metrics import ExecutionMetrics, timed
from gateway.execution.new_documents import MAX_LOOP_CHARACTERS, NewDocumentTurns
from gateway.execution.parsing_budget import ParsingBudget, ParsingBudgets
from gateway.execution.position_reader import PositionReader
from gateway.execution.shared_access import require_shared_fields
from gateway.execution.timeout import Timeout
from schema.fields import Binding
from transport.fair_scheduler import QueueFull

_EMPTY: Mapping[str, Any] = MappingProxyType({})


class OperationRequest(NamedTuple):
    """The request of a client, with values of the right JSON types, whatever the transport."""

    query: str
    operation_name: str | None = None
    variables: Mapping[str, Any] = _EMPTY
    extensions: Mapping[str, Any] = _EMPTY
    document_id: str | None = None
    """The id of a persisted document; `query` is empty until its text is found."""


class PreparedOperation(NamedTuple):
    """An operation that may run, with its raw variables and its cost with them."""

    operation: Operation
    variables: Mapping[str, Any]
    cost: int

    @property
    def is_dry_run(self) -> bool:
        """Whether only the cost is asked for (`gateway.execution.dry_run`)."""
        return self.operation.dry_run is not None and self.operation.dry_run.is_asked(self.variables)

    @property
    def kind(self) -> OperationType:
        return self.operation.kind


class OperationResult(NamedTuple):
    """One result. `executed` is False if nothing ran, or it timed out: then there is no data entry, only errors."""

    data: dict[str, Any] | None = None
    errors: tuple[FormattedError, ...] = ()
    executed: bool = True
    extensions: Mapping[str, Any] | None = None

    def to_payload(self) -> dict[str, Any]:
        """The object of the GraphQL response, for `leaf_serialization.dump_data` or `encoding`."""
        payload: dict[str, Any] = {"errors": self.errors} if self.errors or not self.executed else {}
        if self.executed:
            payload["data"] = self.data
        if self.extensions is not None:
            payload["extensions"] = self.extensions
        return payload

    def to_json(self) -> bytes:
        """The GraphQL response as JSON."""
        return dump_data(self.to_payload())


def error_result(*errors: FormattedError) -> OperationResult:
    """A result without data."""
    return OperationResult(errors=errors, executed=False)


class Executor:
    """Executes operations on one schema; shared by all requests of a process."""

    def __init__(
        self,
        schema: strawberry.Schema,
        *,
        limits: Limits | None = None,
        weights: Mapping[str, int] | None = None,
        hints: bool = True,
        timeout_seconds: float = 10.0,
        before_event: Callable[[Any], None] = lambda context: None,
        bindings: Mapping[str, Binding] | None = None,
        position_reader: PositionReader | None = None,
    ) -> None:
        """`bindings`: the implementations of the fields (`schema.field_rules`); without them nothing is compiled. `weights`:
        costs by schema coordinate. `hints`: whether messages may suggest names of the schema. `timeout_seconds`: the time that an
        operation, or an event of a subscription, may take. `before_event`: called with the context before each such event.
        """
        if schema.extensions or schema.directives:
            raise ValueError("extensions and operation directives of the Strawberry schema would not run")
        self.limits = limits or Limits()
        self.schema = schema
        self.core_schema = schema._schema  # noqa: SLF001 (Strawberry has no public name for it)
        self._core: type[CoreExecutor[Any]] = schema.execution_context_class
        self._documents = DocumentCache(self.core_schema, self.limits, weights=weights or {}, hints=hints)
        self._programs = None if bindings is None else ProgramCompiler(schema, bindings)
        self.execution_counts: Counter[str] = Counter()
        self.metrics = ExecutionMetrics()
        self._new_documents = NewDocumentTurns()
        self.parsing_budgets = ParsingBudgets()
        """For strangers: `prepare` takes the budget of their address."""
        self._hints = hints
        self.timeout_seconds = timeout_seconds
        self.bindings = bindings or {}
        self._before_event = before_event
        self._position_reader = position_reader

    def document_errors(self, text: str) -> tuple[FormattedError, ...]:
        """The errors of a document, whatever its variables; empty if it may run."""
        document = self._documents.load(text)
        return document.errors if isinstance(document, InvalidDocument) else ()

    def introspect(self) -> Mapping[str, Any]:
        """The data of the full introspection query; takes a tenth of a second and needs no event loop."""
        return introspection_from_schema(self.core_schema)

    def prepare(
        self, request: OperationRequest, *, may_introspect: bool = True, parsing_budget: ParsingBudget | None = None
    ) -> PreparedOperation | OperationResult:
        """The operation, parsed, validated and within its limits; or the result with its errors."""
        return self._select(self._documents.load(request.query, parsing_budget), request, may_introspect=may_introspect)

    def prepare_known(
        self, request: OperationRequest, *, may_introspect: bool = True
    ) -> PreparedOperation | OperationResult | None:
        """`prepare`, if the document was used lately; None otherwise."""
        document = self._documents.find(request.query)
        return None if document is None else self._select(document, request, may_introspect=may_introspect)

    def is_long_and_new(self, query: str) -> bool:
        """Whether only `prepare_in_turn` should read the document."""
        return len(query) > MAX_LOOP_CHARACTERS and self._documents.find(query) is None

    async def prepare_in_turn(
        self,
        request: OperationRequest,
        *,
        owner: Hashable,
        may_introspect: bool = True,
        parsing_budget: ParsingBudget | None = None,
    ) -> PreparedOperation | OperationResult:
        """`prepare`, and compile, when it is the turn of this `owner` (a person, an address): see `NewDocumentTurns`."""
        characters = len(request.query)
        try:
            async with self._new_documents.turn(owner, characters=characters, timeout_seconds=self.timeout_seconds) as turn:
                found = self._documents.admit(request.query, parsing_budget)
                if not isinstance(found, UnreadDocument):
                    return self._select(found, request, may_introspect=may_introspect)
                document, prepared = await turn.run(self._read, found, request, may_introspect)
                self._documents.store(found, document)
                return prepared
        except (QueueFull, TimeoutError):
            return error_result(*format_errors(Overloaded("Too many new documents wait to be read; try again.")))

    def _read(
        self, unread: UnreadDocument, request: OperationRequest, may_introspect: bool
    ) -> tuple[ParsedDocument | InvalidDocument, PreparedOperation | OperationResult]:
        """A new document, and what was asked of it, compiled. Nobody else has the document yet, so any thread may."""
        document = self._documents.read(unread)
        prepared = self._select(document, request, may_introspect=may_introspect)
        if isinstance(prepared, PreparedOperation):
            self.compiled_program(prepared)
        return document, prepared

    def _select(
        self, document: ParsedDocument | InvalidDocument, request: OperationRequest, *, may_introspect: bool
    ) -> PreparedOperation | OperationResult:
        if isinstance(document, InvalidDocument):
            return error_result(*document.errors)
        operation = document.select_operation(request.operation_name)
        if not isinstance(operation, Operation):
            return error_result(operation)
        if operation.complexity.introspects and not may_introspect:
            return error_result(coded_error("Introspection is not available here.", "GRAPHQL_VALIDATION_FAILED"))
        cost = operation.complexity.cost_with(request.variables)
        if cost > self.limits.cost:
            return error_result(self._documents.cost_error(operation, request.variables, cost))
        return PreparedOperation(operation, request.variables, cost)

    def actual_cost(self, prepared: PreparedOperation, data: Mapping[str, Any] | None) -> int:
        """The cost of an operation with the rows that it returned."""
        return self._documents.actual_cost(prepared.operation, data)

    async def execute(
        self, request: OperationRequest | PreparedOperation, context: Any, *, enforce_timeout: bool = True
    ) -> OperationResult:
        """Executes a query or a mutation. Cancelling the caller cancels the resolvers; unless `enforce_timeout`, it does so when
        they take longer than `timeout_seconds`."""
        prepared = await self.prepare_in_turn(request, owner=None) if isinstance(request, OperationRequest) else request
        if isinstance(prepared, OperationResult):
            return prepared
        if prepared.kind is OperationType.SUBSCRIPTION:
            return error_result(coded_error("A subscription needs a transport that can stream.", "BAD_USER_INPUT"))
        if enforce_timeout:
            return await self._with_timeout(self._execute(prepared, context))
        try:
            return await self._execute(prepared, context)
        except Exception as error:  # noqa: BLE001 (boundary)
            return error_result(*format_errors(error))

    async def subscribe(
        self, request: OperationRequest | PreparedOperation, context: Any
    ) -> AsyncGenerator[OperationResult, None] | OperationResult:
        """Starts a subscription: a result per event, or one result with the errors that prevent it. A result that was not
        executed ends the stream. Close the generator (`aclose`) to stop it: the source's `finally` runs before that returns.
        """
        prepared = await self.prepare_in_turn(request, owner=None) if isinstance(request, OperationRequest) else request
        if isinstance(prepared, OperationResult):
            return prepared
        if prepared.kind is not OperationType.SUBSCRIPTION:
            return error_result(coded_error("This operation is not a subscription.", "BAD_USER_INPUT"))
        core = self._build_core_executor(prepared, context)
        if isinstance(core, OperationResult):
            return core
        timeout = Timeout(self.timeout_seconds)
        try:
            require_shared_fields(prepared.operation, context, self.core_schema)
            with timeout:
                source: Any = create_source_event_stream(core)
                if isawaitable(source):
                    source = await source
        except TimeoutError as error:
            return self.timeout_result() if timeout.expired else error_result(*format_errors(error))
        except Exception as error:  # noqa: BLE001 (boundary)
            return error_result(*format_errors(error))
        if isinstance(source, ExecutionResult):
            return error_result(*(each for error in source.errors or () for each in format_field_errors(error)))
        return self._iterate_events(prepared, core, source, context)

    async def execute_event(self, prepared: PreparedOperation, context: Any, event: Any) -> OperationResult:
        """The result of one event of a subscription whose source is followed elsewhere (`gateway.subscriptions.manager`)."""
        self._before_event(context)
        core = self._build_core_executor(prepared, context)
        return (
            core
            if isinstance(core, OperationResult)
            else await self._with_timeout(self._execute_event(prepared, core, event, context))
        )

    @property
    def programs(self) -> ProgramCompiler:
        """The compiler of operations."""
        assert self._programs is not None
        return self._programs

    def compiled_program(self, prepared: PreparedOperation) -> Callable[[Any, Any], Coroutine[Any, Any, dict[str, Any]]] | None:
        """The program of an operation with its variables, to be run with a context and an event; None when it is
        graphql-core's."""
        if self._programs is None:
            return None
        try:
            run, arguments = self._programs.compiled_for(prepared.operation, prepared.variables)
        except Exception:  # noqa: BLE001 (graphql-core meets the same error, words it and logs bugs)
            return None
        return lambda context, event: run(context, arguments, event)

    async def _iterate_events(
        self, prepared: PreparedOperation, core: "CoreExecutor[Any]", source: AsyncIterable[Any], context: Any
    ) -> AsyncGenerator[OperationResult, None]:
        async with AsyncExitStack() as stack:
            if (aclose := getattr(source, "aclose", None)) is not None:
                stack.push_async_callback(aclose)
            try:
                async for payload in source:
                    self._before_event(context)
                    answer = await self._with_timeout(self._execute_event(prepared, core, payload, context))
                    yield answer
                    if not answer.executed:
                        return
            except Exception as error:  # noqa: BLE001 (boundary)
                yield error_result(*format_errors(error))

    def _build_core_executor(self, prepared: PreparedOperation, context: Any) -> "CoreExecutor[Any] | OperationResult":
        """graphql-core's executor for one run; or the result with the errors of the variables."""
        built = self._core.build(
            self.core_schema,
            prepared.operation.document,
            context_value=context,
            raw_variable_values=dict(prepared.variables),
            operation_name=prepared.operation.name,
            max_coercion_errors=self.limits.validation_errors,
            is_awaitable=optimized_is_awaitable,  # type: ignore[arg-type]
            hide_suggestions=not self._hints,
        )
        if isinstance(built, list):
            return error_result(*(format_request_error(error, "BAD_USER_INPUT", hints=self._hints) for error in built))
        return built

    async def _with_timeout(self, coroutine: Coroutine[Any, Any, OperationResult]) -> OperationResult:
        timeout = Timeout(self.timeout_seconds)
        try:
            with timeout:
                return await coroutine
        except TimeoutError as error:
            return self.timeout_result() if timeout.expired else error_result(*format_errors(error))
        except Exception as error:  # noqa: BLE001 (boundary)
            return error_result(*format_errors(error))

    @timed
    async def _execute(self, prepared: PreparedOperation, context: Any) -> OperationResult:
        require_shared_fields(prepared.operation, context, self.core_schema)
        if (dry_run := prepared.operation.dry_run) is not None and prepared.is_dry_run:
            return await self._execute_dry_run(prepared, dry_run, context)
        if self._position_reader is not None and self._position_reader.applies_to(prepared.operation, self.core_schema):
            await self._position_reader.read(context)
        if (data := await self._run_compiled(prepared, context)) is not None:
            return OperationResult(data)
        core = self._build_core_executor(prepared, context)
        return core if isinstance(core, OperationResult) else await self._run_core(core)

    async def _execute_dry_run(self, prepared: PreparedOperation, dry_run: DryRun, context: Any) -> OperationResult:
        """The result with the fields that are executed in a dry run; the others are null."""
        operation = replace(prepared.operation, document=dry_run.document)
        core = self._build_core_executor(prepared._replace(operation=operation), context)
        if isinstance(core, OperationResult):
            return core
        result = await self._run_core(core)
        return result._replace(data={key: (result.data or {}).get(key) for key in dry_run.keys})

    @timed
    async def _execute_event(
        self, prepared: PreparedOperation, core: "CoreExecutor[Any]", event: Any, context: Any
    ) -> OperationResult:
        data = await self._run_compiled(prepared, context, event)
        return (
            OperationResult(data)
            if data is not None
            else await self._run_core(core.build_per_event_executor(event), serially=False)
        )

    async def _run_compiled(self, prepared: PreparedOperation, context: Any, event: Any = None) -> dict[str, Any] | None:
        """The data from a program; None if graphql-core is to execute the operation. Counts which of the two, and why."""
        if self._programs is None:
            return None
        try:
            run, arguments = self._programs.compiled_for(prepared.operation, prepared.variables)
            data = await run(context, arguments, event)
        except NotCompiled as reason:
            self.execution_counts[f"fallback: {reason}"] += 1
            return None
        except Exception as error:  # noqa: BLE001 (graphql-core meets the same error, words it and logs bugs)
            self.execution_counts[f"fallback: {type(error).__name__}"] += 1
            context.clear_hints()  # those of the program; graphql-core fetches every column
            return None
        self.execution_counts["compiled"] += 1
        return data

    async def _run_core(self, core: "CoreExecutor[Any]", *, serially: bool | None = None) -> OperationResult:
        """Executes the operation by graphql-core."""
        result: Any = core.execute_operation(serially)
        if isawaitable(result):
            result = await result
        if not result.errors:
            return OperationResult(data=result.data)
        return OperationResult(
            data=result.data, errors=tuple(each for error in result.errors for each in format_field_errors(error))
        )

    def timeout_result(self) -> OperationResult:
        """The result of an operation that timed out."""
        message = f"The operation took longer than {self.timeout_seconds:g} seconds."
        return error_result(coded_error(message, "SERVICE_UNAVAILABLE"))
