"""Subscribing as transports do, through groups: what each subscriber is told, and who shares with whom."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from typing import Any

import orjson

from domain.actor import Actor
from gateway.execution.executor import OperationRequest, OperationResult
from gateway.subscriptions.manager import SubscriptionManager
from gateway.subscriptions.payload_queue import iterate_payloads
from tests.app import App, Person
from tests.listening import CHANGES, PATIENCE, Ear


class Shared:
    """The events of an application, and the ears that hear them."""

    def __init__(self, app: App, events: SubscriptionManager) -> None:
        self.app = app
        self.events = events

    @property
    def sizes(self) -> list[int]:
        """How many sit in each group, the largest first."""
        groups = self.events.groups
        assert groups is not None
        return sorted((len(group.members) for group in groups), reverse=True)

    async def seated(self, count: int) -> None:
        """Wait until so many sit in groups."""
        async with asyncio.timeout(PATIENCE):
            while sum(self.sizes) != count:
                await asyncio.sleep(0.002)

    @asynccontextmanager
    async def listening(
        self, person: Person | None, operation: str = CHANGES, *, actor: Actor | None = None, **variables: Any
    ) -> AsyncIterator[Ear]:
        """A subscription; it need not have begun to listen."""
        ear = Ear()
        prepared = self.events.executor.prepare(OperationRequest(query=operation, variables=variables))
        assert not isinstance(prepared, OperationResult), prepared

        async def listen() -> None:
            async with aclosing(iterate_payloads(self.events, prepared, self.app.context(person, actor))) as stream:
                async for item in stream:
                    payload = item.to_payload() if isinstance(item, OperationResult) else orjson.loads(item)
                    ear.answers.put_nowait(payload)
            ear.answers.put_nowait(None)

        listener = asyncio.get_running_loop().create_task(listen())
        try:
            yield ear
        finally:
            listener.cancel()
            with suppress(asyncio.CancelledError):
                await listener


@asynccontextmanager
async def sharing(app: App) -> AsyncIterator[Shared]:
    """Events of one's own, ended with the block."""
    events = SubscriptionManager(app.executor, app.house.services.hub)
    try:
        yield Shared(app, events)
    finally:
        await events.close()
