"""One operation on a websocket, from its beginning to the frame that ends it."""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from graphql.language import OperationType

from gateway.execution.encoding import encode
from gateway.execution.errors import FormattedError, failure
from gateway.execution.executor import Answer, Prepared
from gateway.http.ports import RequestInfo
from gateway.websocket.connection_registry import Host

if TYPE_CHECKING:
    from gateway.websocket.connection import Connection


async def operate(connection: "Connection", host: Host, id_: str, prepared: Prepared, info: RequestInfo) -> None:
    """
    Its frames, then `complete`; or `error`, which ends it too.

    A subscription that can be shared leaves its context here and goes on without a task: what it needs for an event is made anew.
    """
    own = connection.running(id_)
    try:
        async with host.open_context(connection.credentials, info) as context:
            if prepared.kind is OperationType.SUBSCRIPTION and (plan := host.events.plan(prepared)) is not None:
                stream = connection.stream(id_)
                stream.subscription = host.events.subscribe(prepared, plan, context, stream)
                stream.own = stream.subscription.own_stream
                return
            errors = await _answer(connection, host, id_, prepared, context)
    except Exception as error:  # noqa: BLE001 (the rim)
        errors = failure(error)
    connection.finished(id_, own, errors)


async def _answer(connection: "Connection", host: Host, id_: str, prepared: Prepared, context: Any) -> Sequence[FormattedError]:
    """Send what the operation gives; return the errors that ended it, if any."""
    executor = host.events.executor
    if prepared.kind is not OperationType.SUBSCRIPTION:
        return _say(connection, host, id_, await executor.execute(prepared, context))
    stream = await executor.subscribe(prepared, context)
    if isinstance(stream, Answer):
        return stream.errors
    async with aclosing(stream):
        async for answer in stream:
            if errors := _say(connection, host, id_, answer):
                return errors
            await connection.out.room()
            await asyncio.sleep(0)  # a long replay leaves the others their turn
    return ()


def _say(connection: "Connection", host: Host, id_: str, answer: Answer) -> Sequence[FormattedError]:
    if not answer.executed:
        return answer.errors
    host.events.executor.tally.told(answer.errors)
    connection.say(id_, encode(answer.payload()))
    return ()
