"""One operation on a websocket, from its beginning to the frame that ends it."""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from graphql.language import OperationType

from gateway.execution.encoding import encode
from gateway.execution.errors import FormattedError, format_errors
from gateway.execution.executor import OperationResult, PreparedOperation
from gateway.http.ports import RequestInfo
from gateway.websocket.connection_registry import ConnectionRegistry

if TYPE_CHECKING:
    from gateway.websocket.connection import WebSocketConnection


async def run_operation(
    connection: "WebSocketConnection", registry: ConnectionRegistry, id_: str, prepared: PreparedOperation, info: RequestInfo
) -> None:
    """
    Its frames, then `complete`; or `error`, which ends it too.

    A subscription that can be shared leaves its context here and goes on without a task: what it needs for an event is made anew.
    """
    own = connection.find_operation(id_)
    try:
        async with registry.open_context(connection.credentials, info) as context:
            if prepared.kind is OperationType.SUBSCRIPTION and (plan := registry.subscriptions.plan(prepared)) is not None:
                stream = connection.open_subscription(id_)
                stream.subscription = registry.subscriptions.subscribe(prepared, plan, context, stream)
                stream.own_stream = stream.subscription.own_stream
                return
            errors = await _execute(connection, registry, id_, prepared, context)
    except Exception as error:  # noqa: BLE001 (the rim)
        errors = format_errors(error)
    connection.finish_operation(id_, own, errors)


async def _execute(
    connection: "WebSocketConnection", registry: ConnectionRegistry, id_: str, prepared: PreparedOperation, context: Any
) -> Sequence[FormattedError]:
    """Send what the operation gives; return the errors that ended it, if any."""
    executor = registry.subscriptions.executor
    if prepared.kind is not OperationType.SUBSCRIPTION:
        return _send_result(connection, registry, id_, await executor.execute(prepared, context))
    stream = await executor.subscribe(prepared, context)
    if isinstance(stream, OperationResult):
        return stream.errors
    async with aclosing(stream):
        async for answer in stream:
            if errors := _send_result(connection, registry, id_, answer):
                return errors
            await connection.send_queue.drained()
            await asyncio.sleep(0)  # a long replay leaves the others their turn
    return ()


def _send_result(
    connection: "WebSocketConnection", registry: ConnectionRegistry, id_: str, result: OperationResult
) -> Sequence[FormattedError]:
    if not result.executed:
        return result.errors
    registry.subscriptions.executor.metrics.count_errors(result.errors)
    connection.send_next(id_, encode(result.to_payload()))
    return ()
