"""Runs the operations of one websocket: starts, cancels and finishes them, each under its client's id.

A subscription that can be shared leaves its context at its start and goes on without a task; what it needs for an event is made
anew. Everything else has a task until it has ended.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import aclosing
from typing import Any

from graphql.language import OperationType

from domain.cost_limit import CostCharge
from gateway.execution.encoding import encode_in_turns
from gateway.execution.errors import FormattedError, coded_error, format_errors
from gateway.execution.executor import OperationRequest, OperationResult, PreparedOperation
from gateway.http.cost_meter import wants_cost, with_cost
from gateway.http.ports import RequestInfo
from gateway.http.request import BadRequest, check_text
from gateway.websocket.messages import Subscribe
from gateway.websocket.send_queue import SendQueue
from gateway.websocket.services import WebSocketServices
from gateway.websocket.subprotocols import Subprotocol
from gateway.websocket.subscription import CancelCallback, WebSocketSubscription, cancel_operation


class ConnectionTasks:
    """The running tasks of one connection, those too that only clean up."""

    __slots__ = ("_on_idle", "_services", "count")

    def __init__(self, services: WebSocketServices, on_idle: Callable[[], None]) -> None:
        """`on_idle` is called whenever the last task has ended, until `release`."""
        self._services = services
        self._on_idle: Callable[[], None] | None = on_idle
        self.count = 0

    def start(self, coroutine: Coroutine[Any, Any, None]) -> CancelCallback:
        """Start a task; what is returned cancels it."""
        self.count += 1
        return self._services.subscriptions.tasks.start(coroutine, "websocket", on_done=self._on_done)

    def release(self) -> None:
        """The owner has ended; without this reference to it, it is freed at once."""
        self._on_idle = None

    def _on_done(self) -> None:
        self.count -= 1
        if not self.count and self._on_idle is not None:
            self._on_idle()


class Operations:
    """What each id of one connection stands for."""

    __slots__ = ("_info", "_open", "_services", "_started", "_subprotocol", "_tasks", "send_queue")

    def __init__(
        self,
        services: WebSocketServices,
        subprotocol: Subprotocol,
        info: RequestInfo,
        send_queue: SendQueue,
        tasks: ConnectionTasks,
    ) -> None:
        self._services = services
        self._subprotocol = subprotocol
        self._info = info
        self._tasks = tasks
        self._open: dict[str, WebSocketSubscription | CancelCallback] = {}
        self._started = 0
        self.send_queue = send_queue

    def __len__(self) -> int:
        return len(self._open)

    def __contains__(self, id_: str) -> bool:
        return id_ in self._open

    def start(self, frame: Subscribe, credentials: Any) -> None:
        """Begin an operation under an id that is free; an error that is known at once ends it."""
        limit = self._services.limits.max_operations
        if max(self._tasks.count, len(self._open)) >= limit:
            message = f"At most {limit} operations may run at once on a connection."
            self._send_error(frame.id, [coded_error(message, "LIMIT_EXCEEDED", limit=limit)])
            return
        try:
            check_text(frame.request, frame.raw)
        except BadRequest as error:
            self._send_error(frame.id, [coded_error(error.message, error.code)])
            return
        self._started += 1
        info = self._info._replace(request_id=f"{self._info.request_id}.{self._started}")
        request = frame.request
        if self._services.persisted_queries.applies_to(request) or self._services.subscriptions.executor.is_long_and_new(
            request.query
        ):
            self._open[frame.id] = self._tasks.start(self._load_and_run(frame, credentials, info))
            return
        prepared = self._prepare(frame.request, credentials, info)
        if isinstance(prepared, OperationResult):
            self._send_error(frame.id, prepared.errors)
            return
        self._open[frame.id] = self._tasks.start(self._run(frame, prepared, credentials, info))

    def cancel(self, id_: str) -> None:
        """End an operation, if there is one, without a word."""
        if (operation := self._open.pop(id_, None)) is not None:
            cancel_operation(operation)

    def finish(self, id_: str, operation: object, errors: Sequence[FormattedError]) -> None:
        """Send how an operation ended. Its id is free again before the client can know."""
        if self._open.get(id_) is operation:
            del self._open[id_]
            if errors:
                self._send_error(id_, errors)
            else:
                self.send_queue.put(self._subprotocol.complete(id_))

    def close(self) -> None:
        """Cancel all operations."""
        operations, self._open = self._open, {}
        for each in operations.values():
            cancel_operation(each)

    def resume_cursors(self) -> dict[str, str]:
        """The cursor to resume each subscription from, by id."""
        found = {id_: each.resume_cursor() for id_, each in self._open.items() if isinstance(each, WebSocketSubscription)}
        return {id_: cursor for id_, cursor in found.items() if cursor}

    def _prepare(self, request: OperationRequest, credentials: Any, info: RequestInfo) -> PreparedOperation | OperationResult:
        executor = self._services.subscriptions.executor
        return executor.prepare(
            request,
            may_introspect=self._services.may_introspect(credentials),
            parsing_budget=None if credentials is not None else executor.parsing_budgets.of(info.ip),
        )

    async def _prepare_in_turn(
        self, request: OperationRequest, credentials: Any, info: RequestInfo
    ) -> PreparedOperation | OperationResult:
        """`_prepare` outside of the turns that messages have: for persisted documents, of which many may come at once, and for
        long ones."""
        executor = self._services.subscriptions.executor
        may_introspect = self._services.may_introspect(credentials)
        prepared = executor.prepare_known(request, may_introspect=may_introspect)
        if prepared is not None:
            return prepared
        return await executor.prepare_in_turn(
            request,
            owner=self._services.credentials.session_stream(credentials) or info.ip,
            may_introspect=may_introspect,
            parsing_budget=None if credentials is not None else executor.parsing_budgets.of(info.ip),
        )

    async def _load_and_run(self, frame: Subscribe, credentials: Any, info: RequestInfo) -> None:
        """Find the document that an operation names or read the one that it has, then run it."""
        request, persisted = frame.request, self._services.persisted_queries
        found = await persisted.resolve(request) if persisted.applies_to(request) else request
        prepared = found if isinstance(found, OperationResult) else await self._prepare_in_turn(found, credentials, info)
        if isinstance(prepared, OperationResult):
            self.finish(frame.id, self._open.get(frame.id), prepared.errors)
            return
        await self._run(frame, prepared, credentials, info)

    async def _run(self, frame: Subscribe, prepared: PreparedOperation, credentials: Any, info: RequestInfo) -> None:
        """Send the results of an operation, then `complete`; or `error`, which ends it too."""
        id_ = frame.id
        own = self._open.get(id_)
        subscriptions = self._services.subscriptions
        try:
            if not self.send_queue.has_capacity:
                await self.send_queue.drained()
            if self._services.cost_meter is not None:
                info = await self._services.cost_meter.charge(prepared, credentials, info)
            async with self._services.open_context(credentials, info) as context:
                if prepared.kind is OperationType.SUBSCRIPTION and (plan := subscriptions.plan(prepared)) is not None:
                    stream = self._open[id_] = WebSocketSubscription(self, id_, self._subprotocol.next_prefix(id_))
                    stream.subscription = subscriptions.subscribe(prepared, plan, context, stream)
                    stream.own_stream = stream.subscription.own_stream
                    return
                charge = info.charge if wants_cost(frame.request) else None
                errors = await self._execute(id_, prepared, context, charge)
        except Exception as error:  # noqa: BLE001 (the boundary of an operation)
            errors = format_errors(error)
        self.finish(id_, own, errors)

    async def _execute(
        self, id_: str, prepared: PreparedOperation, context: Any, charge: CostCharge | None
    ) -> Sequence[FormattedError]:
        """Send the results of an operation, with the cost where a charge is given; the errors that ended it, if any."""
        executor = self._services.subscriptions.executor
        if prepared.kind is not OperationType.SUBSCRIPTION:
            result = await executor.execute(prepared, context)
            return await self._send_result(id_, result if charge is None else with_cost(result, prepared, charge, executor))
        stream = await executor.subscribe(prepared, context)
        if isinstance(stream, OperationResult):
            return stream.errors
        async with aclosing(stream):
            async for result in stream:
                if errors := await self._send_result(id_, result):
                    return errors
                await self.send_queue.drained()
                await asyncio.sleep(0)  # a long replay leaves the others their turn
        return ()

    async def _send_result(self, id_: str, result: OperationResult) -> Sequence[FormattedError]:
        if not result.executed:
            return result.errors
        self._services.subscriptions.executor.metrics.count_errors(result.errors)
        encoded = await encode_in_turns(result.to_payload())
        self.send_queue.put(b"%b%b}" % (self._subprotocol.next_prefix(id_), encoded))
        return ()

    def _send_error(self, id_: str, errors: Sequence[FormattedError]) -> None:
        self._services.subscriptions.executor.metrics.count_errors(errors)
        self.send_queue.put(self._subprotocol.error(id_, errors))
