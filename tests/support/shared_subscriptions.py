"""Subscribes as transports do, through groups: what each subscriber receives, and who shares an execution."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from typing import Any

import orjson

from domain.actor import Actor
from gateway.execution.executor import OperationRequest, OperationResult
from gateway.subscriptions.manager import SubscriptionManager
from gateway.subscriptions.payload_queue import iterate_payloads
from tests.support.app import App, Person
from tests.support.subscriptions import CHANGES_SUBSCRIPTION, RESULT_TIMEOUT_SECONDS, SubscriptionReader


class SharedSubscriptions:
    """The events of an application, and the ears that hear them."""

    def __init__(self, app: App, manager: SubscriptionManager) -> None:
        self.app = app
        self.manager = manager

    @property
    def group_sizes(self) -> list[int]:
        """How many sit in each group, the largest first."""
        groups = self.manager.groups
        assert groups is not None
        return sorted((len(group.members) for group in groups), reverse=True)

    async def wait_for_members(self, count: int) -> None:
        """Wait until so many sit in groups."""
        async with asyncio.timeout(RESULT_TIMEOUT_SECONDS):
            while sum(self.group_sizes) != count:
                await asyncio.sleep(0.002)

    @asynccontextmanager
    async def open_subscription(
        self, person: Person | None, operation: str = CHANGES_SUBSCRIPTION, *, actor: Actor | None = None, **variables: Any
    ) -> AsyncIterator[SubscriptionReader]:
        """A subscription; it need not have begun to listen."""
        ear = SubscriptionReader()
        request = OperationRequest(query=operation, variables=variables)
        prepared = await self.manager.executor.prepare_in_turn(request, owner=None)
        assert not isinstance(prepared, OperationResult), prepared

        async def listen() -> None:
            async with aclosing(iterate_payloads(self.manager, prepared, self.app.context(person, actor))) as stream:
                async for item in stream:
                    payload = item.to_payload() if isinstance(item, OperationResult) else orjson.loads(item)
                    ear.results.put_nowait(payload)
            ear.results.put_nowait(None)

        listener = asyncio.get_running_loop().create_task(listen())
        try:
            yield ear
        finally:
            listener.cancel()
            with suppress(asyncio.CancelledError):
                await listener


@asynccontextmanager
async def open_shared_subscriptions(app: App) -> AsyncIterator[SharedSubscriptions]:
    """Events of one's own, ended with the block."""
    events = SubscriptionManager(app.executor, app.resources.services.hub)
    try:
        yield SharedSubscriptions(app, events)
    finally:
        await events.close()
