"""Answers operations: by compiled programs, and by graphql-core for whatever these do not cover.

`prepare` gives an operation with its variables and cost, `execute` and `subscribe` answer it. A program that raises, for whatever
reason, leaves the answer to graphql-core, which words all errors; what a mutation has done is then not done again
(`Context.done`).

Strawberry's own `Schema.execute` is not used: it parses and validates each time, builds extension runners that nobody asked for,
and hides whether data was produced at all, which decides the status of the HTTP answer. What its resolvers need is kept: its
executor class (resolvers receive plain coerced variables), its fast awaitable check, and the schema object that carries its
converters. Extensions registered on the Strawberry schema would be skipped silently, so they are refused.

What is promised of one query's data: every batch reads what was committed when it ran (READ COMMITTED), so a query that needs two
levels may see a write that came between them; each object is of one moment. A connection is held for one statement, never between
levels.
"""

from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack
from inspect import isawaitable
from types import MappingProxyType
from typing import Any, NamedTuple

import orjson
import strawberry
from graphql import ExecutionResult
from graphql.execution import Executor as CoreExecutor
from graphql.execution import create_source_event_stream
from graphql.language import OperationType
from strawberry.execution import optimized_is_awaitable

from gateway.execution.compiled.leaf_serialization import AS_JSON
from gateway.execution.compiled.program import NotCompiled, Programs
from gateway.execution.documents import Documents, Operation, Refused
from gateway.execution.errors import FormattedError, coded, failure, field_errors, request_error
from gateway.execution.limits import Limits, over
from gateway.execution.metrics import Tally, counted
from gateway.execution.timeout import Deadline
from schema.fields import Binding

_NOTHING: Mapping[str, Any] = MappingProxyType({})


class OperationRequest(NamedTuple):
    """What a client asks for, already of the right JSON types, whatever the transport."""

    query: str
    operation_name: str | None = None
    variables: Mapping[str, Any] = _NOTHING
    extensions: Mapping[str, Any] = _NOTHING
    document_id: str | None = None
    """What the client calls a document that it doesn't send; `query` is empty then, until the text is found."""


class Prepared(NamedTuple):
    """An operation that may run, with its raw variables and what it is reckoned to cost with them."""

    operation: Operation
    variables: Mapping[str, Any]
    cost: int

    @property
    def kind(self) -> OperationType:
        return self.operation.kind


class Answer(NamedTuple):
    """One result. `executed` is False when nothing ran, or was given up: then there is no data entry, only errors."""

    data: dict[str, Any] | None = None
    errors: tuple[FormattedError, ...] = ()
    executed: bool = True

    def payload(self) -> dict[str, Any]:
        """The object of the GraphQL response, to be written with `leaves.AS_JSON`."""
        if not self.executed:
            return {"errors": self.errors}
        if self.errors:
            return {"errors": self.errors, "data": self.data}
        return {"data": self.data}

    def json(self) -> bytes:
        """The GraphQL response."""
        return orjson.dumps(self.payload(), option=AS_JSON)


def refusal(*errors: FormattedError) -> Answer:
    """An answer without data."""
    return Answer(errors=errors, executed=False)


def _nothing(context: Any) -> None:
    """What happens before an event by default."""


class Executor:
    """Answers operations on one schema; safe to share between all requests of a process."""

    def __init__(
        self,
        schema: strawberry.Schema,
        *,
        limits: Limits | None = None,
        weights: Mapping[str, int] | None = None,
        hints: bool = True,
        timeout: float = 10.0,
        before_event: Callable[[Any], None] = _nothing,
        bindings: Mapping[str, Binding] | None = None,
    ) -> None:
        """
        `bindings`: what stands behind the fields (`schema.field_rules`); without them nothing is compiled.
        `weights`: costs by schema coordinate. `hints`: whether messages may suggest names of the schema (not in production).
        `timeout`: seconds that one operation, or one event of a subscription, may take. `before_event`: called with the context
        before each event of a subscription is executed, so that loaders forget what the last event loaded.
        """
        if schema.extensions or schema.directives:
            raise ValueError("extensions and operation directives of the Strawberry schema would not run")
        self.limits = limits or Limits()
        self.schema = schema
        self._core_schema = schema._schema  # noqa: SLF001 (Strawberry has no public name for it)
        self._core: type[CoreExecutor[Any]] = schema.execution_context_class
        self._documents = Documents(self._core_schema, self.limits, weights=weights or {}, hints=hints)
        self._programs = None if bindings is None else Programs(schema, bindings)
        self.counts: Counter[str] = Counter()
        self.tally = Tally()
        self._hints = hints
        self.timeout = timeout
        self.bindings = bindings or {}
        self._before_event = before_event

    def errors_of(self, text: str) -> tuple[FormattedError, ...]:
        """What is wrong with a document, whatever its variables; nothing when it may run."""
        document = self._documents.load(text)
        return document.errors if isinstance(document, Refused) else ()

    def prepare(self, request: OperationRequest, *, may_introspect: bool = True) -> Prepared | Answer:
        """The operation, parsed, validated and within its limits; or the answer that says what is wrong with it."""
        document = self._documents.load(request.query)
        if isinstance(document, Refused):
            return refusal(*document.errors)
        operation = document.pick(request.operation_name)
        if not isinstance(operation, Operation):
            return refusal(operation)
        if operation.measure.introspects and not may_introspect:
            return refusal(coded("Introspection is not available here.", "GRAPHQL_VALIDATION_FAILED"))
        cost = operation.measure.cost_with(request.variables)
        if cost > self.limits.cost:
            extensions = over("QUERY_TOO_COMPLEX", "cost", self.limits.cost, cost)
            return refusal({"message": "The query asks for too much at once.", "extensions": extensions})
        return Prepared(operation=operation, variables=request.variables, cost=cost)

    async def execute(self, request: OperationRequest | Prepared, context: Any, *, timed: bool = True) -> Answer:
        """
        Run a query or a mutation to its end. Cancelling the caller cancels the resolvers.

        Not `timed`: the caller ends it when it takes longer than `timeout`.
        """
        prepared = self.prepare(request) if isinstance(request, OperationRequest) else request
        if isinstance(prepared, Answer):
            return prepared
        if prepared.kind is OperationType.SUBSCRIPTION:
            return refusal(coded("A subscription needs a transport that can stream.", "BAD_USER_INPUT"))
        if timed:
            return await self._within_time(self._answer(prepared, context))
        try:
            return await self._answer(prepared, context)
        except Exception as error:  # noqa: BLE001 (the rim)
            return refusal(*failure(error))

    async def subscribe(self, request: OperationRequest | Prepared, context: Any) -> AsyncGenerator[Answer, None] | Answer:
        """
        Start a subscription: an answer per event, or one answer that says why it couldn't start. An answer that wasn't executed
        ends the stream. Close the generator (`aclose`) to stop it: the source's `finally` runs before that returns.
        """
        prepared = self.prepare(request) if isinstance(request, OperationRequest) else request
        if isinstance(prepared, Answer):
            return prepared
        if prepared.kind is not OperationType.SUBSCRIPTION:
            return refusal(coded("This operation is not a subscription.", "BAD_USER_INPUT"))
        core = self._build(prepared, context)
        if isinstance(core, Answer):
            return core
        deadline = Deadline(self.timeout)
        try:
            with deadline:
                source: Any = create_source_event_stream(core)
                if isawaitable(source):
                    source = await source
        except TimeoutError as error:
            return self.too_slow() if deadline.passed else refusal(*failure(error))
        except Exception as error:  # noqa: BLE001 (the rim)
            return refusal(*failure(error))
        if isinstance(source, ExecutionResult):
            return refusal(*(each for error in source.errors or () for each in field_errors(error)))
        return self._events(prepared, core, source, context)

    async def event(self, prepared: Prepared, context: Any, event: Any) -> Answer:
        """The answer to one event of a subscription whose source is followed elsewhere (`gateway.subscriptions.manager`)."""
        self._before_event(context)
        core = self._build(prepared, context)
        return core if isinstance(core, Answer) else await self._within_time(self._event(prepared, core, event, context))

    @property
    def programs(self) -> Programs:
        """What compiles operations."""
        assert self._programs is not None
        return self._programs

    def compiled(self, prepared: Prepared) -> Callable[[Any, Any], Coroutine[Any, Any, dict[str, Any]]] | None:
        """The program of an operation with its variables, to be run with a context and an event; None when it is
        graphql-core's."""
        if self._programs is None:
            return None
        try:
            run, arguments = self._programs.ready(prepared.operation, prepared.variables)
        except NotCompiled:
            return None
        return lambda context, event: run(context, arguments, event)

    async def _events(
        self, prepared: Prepared, core: "CoreExecutor[Any]", source: AsyncIterable[Any], context: Any
    ) -> AsyncGenerator[Answer, None]:
        async with AsyncExitStack() as stack:
            if (aclose := getattr(source, "aclose", None)) is not None:
                stack.push_async_callback(aclose)
            try:
                async for payload in source:
                    self._before_event(context)
                    answer = await self._within_time(self._event(prepared, core, payload, context))
                    yield answer
                    if not answer.executed:
                        return
            except Exception as error:  # noqa: BLE001 (the rim)
                yield refusal(*failure(error))

    def _build(self, prepared: Prepared, context: Any) -> "CoreExecutor[Any] | Answer":
        """graphql-core's executor for one run; or the answer about variables that don't fit."""
        built = self._core.build(
            self._core_schema,
            prepared.operation.document,
            context_value=context,
            raw_variable_values=dict(prepared.variables),
            operation_name=prepared.operation.name,
            max_coercion_errors=self.limits.validation_errors,
            is_awaitable=optimized_is_awaitable,  # type: ignore[arg-type]
            hide_suggestions=not self._hints,
        )
        if isinstance(built, list):
            return refusal(*(request_error(error, "BAD_USER_INPUT") for error in built))
        return built

    async def _within_time(self, answering: Coroutine[Any, Any, Answer]) -> Answer:
        deadline = Deadline(self.timeout)
        try:
            with deadline:
                return await answering
        except TimeoutError as error:
            return self.too_slow() if deadline.passed else refusal(*failure(error))
        except Exception as error:  # noqa: BLE001 (the rim)
            return refusal(*failure(error))

    @counted
    async def _answer(self, prepared: Prepared, context: Any) -> Answer:
        if (data := await self._compiled(prepared, context)) is not None:
            return Answer(data)
        core = self._build(prepared, context)
        return core if isinstance(core, Answer) else await self._run(core)

    @counted
    async def _event(self, prepared: Prepared, core: "CoreExecutor[Any]", event: Any, context: Any) -> Answer:
        data = await self._compiled(prepared, context, event)
        return Answer(data) if data is not None else await self._run(core.build_per_event_executor(event), serially=False)

    async def _compiled(self, prepared: Prepared, context: Any, event: Any = None) -> dict[str, Any] | None:
        """The data, by a program; None when graphql-core is to answer. Which of the two, and why, is counted."""
        if self._programs is None:
            return None
        try:
            run, arguments = self._programs.ready(prepared.operation, prepared.variables)
            data = await run(context, arguments, event)
        except NotCompiled as reason:
            self.counts[f"fallback: {reason}"] += 1
            return None
        except Exception as error:  # noqa: BLE001 (graphql-core meets the same, words it and logs what is a bug)
            self.counts[f"fallback: {type(error).__name__}"] += 1
            context.wanted = None  # what the program was about to fetch; graphql-core fetches everything
            return None
        self.counts["compiled"] += 1
        return data

    async def _run(self, core: "CoreExecutor[Any]", *, serially: bool | None = None) -> Answer:
        """By graphql-core."""
        result: Any = core.execute_operation(serially)
        if isawaitable(result):
            result = await result
        if not result.errors:
            return Answer(data=result.data)
        return Answer(data=result.data, errors=tuple(each for error in result.errors for each in field_errors(error)))

    def too_slow(self) -> Answer:
        """What is answered for an operation that was given up."""
        return refusal(coded(f"The operation took longer than {self.timeout:g} seconds.", "SERVICE_UNAVAILABLE"))
