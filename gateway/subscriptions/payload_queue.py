"""A subscription as an async iterator of encoded payloads, for transports that have a task for each anyway (SSE, multipart)."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any, Final

from domain.errors import SubscriptionLagged
from gateway.execution.encoding import encode
from gateway.execution.errors import FormattedError, failure
from gateway.execution.executor import Answer, Prepared, refusal
from gateway.subscriptions.manager import Events, Subscription
from gateway.subscriptions.shared_payload import Told
from realtime.listener import MAX_QUEUED_BYTES, MAX_QUEUED_ENTRIES

_REPLAY: Final = 32
"""Answers that a replay may be ahead of its reader."""


async def payloads(events: Events, prepared: Prepared, context: Any) -> AsyncGenerator[bytes | Answer, None]:
    """
    The JSON text of every answer; an `Answer` that was not executed is the last and says why nothing more comes.

    Close the generator (`aclose`) to unsubscribe. A reader that falls behind by 256 answers or 1 MiB gets SUBSCRIPTION_LAGGED
    with `since`, the cursor after what it was given.
    """
    plan = events.plan(prepared)
    if plan is None:
        stream = await events.executor.subscribe(prepared, context)
        if isinstance(stream, Answer):
            yield stream
            return
        async with aclosing(stream) as answers:
            async for answer in answers:
                yield encode(answer.payload()) if answer.executed else answer
        return
    pipe = Pipe()
    subscription = pipe.subscription = events.subscribe(prepared, plan, context, pipe)
    try:
        while (item := await pipe.next()) is not None:
            yield item
    finally:
        subscription.close()


class Pipe:
    """A `Sink` whose answers wait until they are asked for."""

    def __init__(self) -> None:
        self.subscription: Subscription | None = None
        self._waiting: deque[tuple[Told, int]] = deque()
        self._bytes = 0
        self._errors: Sequence[FormattedError] | None = None
        self._changed = asyncio.Event()
        self._given: tuple[Told, int] | None = None

    def tell(self, told: Told, own_position: int) -> None:
        self._waiting.append((told, own_position))
        self._bytes += told.size
        self._changed.set()
        if len(self._waiting) > MAX_QUEUED_ENTRIES or (self._bytes > MAX_QUEUED_BYTES and len(self._waiting) > 1):
            self._lag()

    async def room(self) -> None:
        while len(self._waiting) >= _REPLAY and self._errors is None:
            self._changed.clear()
            await self._changed.wait()

    def end(self, errors: Sequence[FormattedError]) -> None:
        self._errors = errors
        self._changed.set()

    async def next(self) -> bytes | Answer | None:
        """The next answer; None at the end."""
        while not self._waiting and self._errors is None:
            self._changed.clear()
            await self._changed.wait()
        if self._waiting:
            told, at = self._given = self._waiting.popleft()
            self._bytes -= told.size
            self._changed.set()
            assert self.subscription is not None
            return told.payload(self.subscription.own_stream, at)
        errors, self._errors = self._errors, []
        return refusal(*errors) if errors else None

    def _lag(self) -> None:
        assert self.subscription is not None
        self._waiting.clear()
        self.subscription.close()
        self.end(lagged(self.subscription, self._given))


def lagged(subscription: Subscription, reached: tuple[Told, int] | None) -> list[FormattedError]:
    """What a reader is told that could not keep up: subscribe again after `since`, or from a fresh query when it was given
    nothing."""
    errors = failure(SubscriptionLagged())
    if reached is not None:
        errors[0]["extensions"]["since"] = subscription.cursor(*reached)
    return errors
