"""Offers a subscription as an async iterator of encoded payloads, for transports that have a task for each (SSE, multipart)."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any, Final

from domain.errors import SubscriptionLagged
from gateway.execution.encoding import encode_in_turns
from gateway.execution.errors import FormattedError, format_errors
from gateway.execution.executor import OperationResult, PreparedOperation, error_result
from gateway.subscriptions.manager import Subscription, SubscriptionManager
from gateway.subscriptions.shared_payload import SharedPayload
from realtime.listener import MAX_QUEUED_BYTES, MAX_QUEUED_ENTRIES

_MAX_REPLAY_PAYLOADS: Final = 32
"""Payloads by which a replay may be ahead of its reader."""


async def iterate_payloads(
    manager: SubscriptionManager, prepared: PreparedOperation, context: Any
) -> AsyncGenerator[bytes | OperationResult, None]:
    """
    The JSON text of every payload. An `OperationResult` that was not executed is the last, and says why nothing more follows.

    Close the generator (`aclose`) to unsubscribe. A reader that falls behind by 256 payloads or 1 MiB gets SUBSCRIPTION_LAGGED
    with `since`, the cursor after the last payload that it got.
    """
    plan = manager.plan(prepared)
    if plan is None:
        stream = await manager.executor.subscribe(prepared, context)
        if isinstance(stream, OperationResult):
            yield stream
            return
        async with aclosing(stream) as results:
            async for result in results:
                yield await encode_in_turns(result.to_payload()) if result.executed else result
        return
    queue = PayloadQueue()
    subscription = queue.subscription = manager.subscribe(prepared, plan, context, queue)
    try:
        while (item := await queue.next()) is not None:
            yield item
    finally:
        subscription.close()


class PayloadQueue:
    """A `SubscriptionSink` whose payloads wait until they are taken."""

    def __init__(self) -> None:
        self.subscription: Subscription | None = None
        self._queue: deque[tuple[SharedPayload, int]] = deque()
        self._queued_bytes = 0
        self._errors: Sequence[FormattedError] | None = None
        self._changed = asyncio.Event()
        self._last_delivered: tuple[SharedPayload, int] | None = None

    def send(self, payload: SharedPayload, own_position: int) -> None:
        self._queue.append((payload, own_position))
        self._queued_bytes += payload.size
        self._changed.set()
        if len(self._queue) > MAX_QUEUED_ENTRIES or (self._queued_bytes > MAX_QUEUED_BYTES and len(self._queue) > 1):
            self._end_lagged()

    async def drained(self) -> None:
        while len(self._queue) >= _MAX_REPLAY_PAYLOADS and self._errors is None:
            self._changed.clear()
            await self._changed.wait()

    def complete(self, errors: Sequence[FormattedError]) -> None:
        self._errors = errors
        self._changed.set()

    async def next(self) -> bytes | OperationResult | None:
        """The next payload; None at the end."""
        while not self._queue and self._errors is None:
            self._changed.clear()
            await self._changed.wait()
        if self._queue:
            payload, position = self._last_delivered = self._queue.popleft()
            self._queued_bytes -= payload.size
            self._changed.set()
            assert self.subscription is not None
            return payload.payload_for(self.subscription.own_stream, position)
        errors, self._errors = self._errors, []
        return error_result(*errors) if errors else None

    def _end_lagged(self) -> None:
        assert self.subscription is not None
        self._queue.clear()
        self.subscription.close()
        self.complete(lag_errors(self.subscription, self._last_delivered))


def lag_errors(subscription: Subscription, last_delivered: tuple[SharedPayload, int] | None) -> list[FormattedError]:
    """The error of a reader that could not keep up: it subscribes again after `since`, or after a new query if it got nothing."""
    errors = format_errors(SubscriptionLagged())
    if last_delivered is not None:
        errors[0]["extensions"]["since"] = subscription.cursor(*last_delivered)
    return errors
