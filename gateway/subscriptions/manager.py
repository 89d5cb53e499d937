"""Runs subscriptions for transports: alone until they have caught up, then in a group that is executed and encoded once.

`SubscriptionManager.subscribe` hands every payload, encoded, to the transport's sink; `payload_queue.iterate_payloads` is the
same as an async iterator. What cannot be planned (`gateway.subscriptions.plan`) is executed by graphql-core, with a task each.

A subscription in a group has no task and no listener: it costs its membership.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import aclosing
from functools import partial
from typing import Final, Protocol
from uuid import UUID

from domain.events import user_stream
from gateway.execution.encoding import encode
from gateway.execution.errors import FormattedError, format_errors
from gateway.execution.executor import Executor, PreparedOperation
from gateway.execution.shared_access import require_shared_fields
from gateway.subscriptions.group_executor import EncodedPayloads, EventExecution, GroupExecutor
from gateway.subscriptions.groups import GroupMembership, GroupRegistry
from gateway.subscriptions.plan import Planner, SubscriptionPlan
from gateway.subscriptions.protocols import Positions
from gateway.subscriptions.shared_payload import SharedPayload
from persistence.rights import Rights
from realtime.background_tasks import BackgroundTasks
from realtime.hub import StreamHub
from resolvers.context import Context
from resolvers.event_visibility import ChangeVisibility
from resolvers.subscription_topic import Topic, stream_changes
from transport.write_scheduler import WriteScheduler

MAX_CONCURRENT_STARTS: Final = 256
"""Subscriptions that load their rights and read the log at the same time; the others wait, first come, first served."""


class SubscriptionSink(Protocol):
    """Receives the payloads of a subscription for a transport."""

    def send(self, payload: SharedPayload, own_position: int) -> None:
        """The next payload; may not wait. A sink that cannot keep up closes the subscription."""
        ...

    async def drained(self) -> None:
        """Wait until a replay may go on."""
        ...

    def complete(self, errors: Sequence[FormattedError]) -> None:
        """Nothing more follows: because of these errors, or because the subscription is complete."""
        ...


class SubscriptionManager:
    """All subscriptions of a process. Without a hub all of them are executed by graphql-core."""

    def __init__(self, executor: Executor, hub: StreamHub | None) -> None:
        self.executor = executor
        self.write_scheduler = WriteScheduler()
        self.tasks = BackgroundTasks()
        self.start_slots = asyncio.Semaphore(MAX_CONCURRENT_STARTS)
        self.planner = Planner(executor)
        self.groups: GroupRegistry[Subscription] | None = None
        if hub is not None:
            self.groups = GroupRegistry(hub, self.tasks, drain_writes=self.write_scheduler.drained)
        self.encoded_payloads = EncodedPayloads()
        self.execution_counts: Counter[str] = Counter()

    def plan(self, prepared: PreparedOperation) -> SubscriptionPlan | None:
        """How a subscription is executed; None: by graphql-core."""
        return None if self.groups is None else self.planner.plan(prepared.operation)

    def subscribe(
        self, prepared: PreparedOperation, plan: SubscriptionPlan, context: Context, sink: SubscriptionSink
    ) -> "Subscription":
        """Start a subscription; an error that refuses it completes it."""
        subscription = Subscription(self, prepared, plan, context, sink)
        subscription.leave_group(None)
        return subscription

    async def close(self) -> None:
        """End the tasks of all groups and of all subscriptions that are alone."""
        await self.tasks.cancel_all()


class Subscription:
    """One subscription: a `gateway.subscriptions.protocols.Subscriber`."""

    __slots__ = ("_context", "_manager", "_membership", "_plan", "_prepared", "_sink", "_stop", "_topic", "own_stream")

    def __init__(
        self,
        manager: SubscriptionManager,
        prepared: PreparedOperation,
        plan: SubscriptionPlan,
        context: Context,
        sink: SubscriptionSink,
    ) -> None:
        self._manager = manager
        self._prepared = prepared
        self._plan = plan
        self._context = context
        self._sink: SubscriptionSink | None = sink
        self._topic: Topic | None = None
        self._membership: GroupMembership[Subscription] | None = None
        self._stop: Callable[[], object] | None = None
        self.own_stream = "" if context.actor is None else user_stream(context.actor.user_id)

    @property
    def context(self) -> Context:
        """The context that it was subscribed with."""
        return self._context

    @property
    def viewer(self) -> UUID:
        return self._context.viewer.user_id

    def cursor(self, payload: SharedPayload, own_position: int) -> str:
        """The cursor after a payload."""
        return self._context.services.cursors.encode({**payload.positions, self.own_stream: own_position})

    def current_cursor(self) -> str | None:
        """The cursor after everything so far; None while it is alone."""
        if self._membership is None:
            return None
        positions = (
            self._membership.group.positions | (self._membership.ahead or {}) | {self.own_stream: self._membership.own_position}
        )
        return self._context.services.cursors.encode(positions)

    def close(self) -> None:
        """End without a word."""
        self._sink = None
        if self._membership is not None:
            self._membership.release()
            self._membership = None
        if self._stop is not None:
            self._stop()
            self._stop = None

    def send(self, payload: SharedPayload, own_position: int) -> None:
        """Called by the group."""
        if self._sink is None:
            return
        if payload.errors:
            self._complete(payload.errors)
        else:
            self._sink.send(payload, own_position)

    def complete(self, error: Exception | None) -> None:
        """Called by the group: it has ended."""
        self._membership = None
        if self._sink is not None:
            self._complete([] if error is None else format_errors(error))

    def leave_group(self, positions: Positions | None) -> None:
        """Begin, or go on alone after these positions."""
        self._membership = None
        if self._sink is not None:
            self._stop = self._manager.tasks.start(self._follow_alone(positions), "subscription")

    def _complete(self, errors: Sequence[FormattedError]) -> None:
        sink = self._sink
        self.close()
        if sink is not None:
            sink.complete(errors)

    async def _follow_alone(self, positions: Positions | None) -> None:
        """Execute events for this subscription alone, until it joins a group or ends."""
        permit = _StartPermit(self._manager.start_slots)
        try:
            await permit.acquire()
            require_shared_fields(self._prepared.operation, self._context, self._manager.executor.core_schema)
            if self._topic is None:
                programs = self._manager.executor.programs
                self._topic = self._plan.topic(programs, self._prepared, self._context)
            visibility = ChangeVisibility(self._context, self._topic.scope)
            if positions is None:
                await self._topic.check(visibility)
            execute = EventExecution(self._manager.executor, self._manager.execution_counts, self._prepared)
            # Those with a share link see less than whoever has the rights of its creator.
            join = None if self._context.viewer.shared is not None else partial(self._join_group, visibility, permit)
            async with aclosing(stream_changes(self._topic, visibility, resume_from=positions, on_caught_up=join)) as changes:
                async for change, _ in changes:
                    permit.release()
                    result = await execute(self._context, change)
                    if not result.executed:
                        self._finish_following(result.errors)
                        return
                    if (sink := self._sink) is not None:
                        await sink.drained()
                        sink.send(
                            SharedPayload((encode(result.to_payload()),), change.positions), change.positions[self.own_stream]
                        )
                    await asyncio.sleep(0)  # a long replay leaves the others their turn
            if self._membership is None:
                self._finish_following([])
        except Exception as error:  # noqa: BLE001 (the boundary of a subscription)
            self._finish_following(format_errors(error))
        finally:
            permit.release()

    def _finish_following(self, errors: Sequence[FormattedError]) -> None:
        """The task of a subscription that is alone ends."""
        self._stop = None
        self._complete(errors)

    def _join_group(self, visibility: ChangeVisibility, permit: "_StartPermit", positions: Positions) -> bool:
        permit.release()
        groups = self._manager.groups
        assert groups is not None
        key = self._plan.key(self._prepared, self._context, visibility.rights)
        self._stop = None
        self._membership = groups.join(key, self, dict(positions), lambda: self._group_executor(visibility.rights))
        return True

    def _group_executor(self, rights: Rights) -> GroupExecutor:
        assert self._topic is not None
        execution = EventExecution(self._manager.executor, self._manager.execution_counts, self._prepared)
        return GroupExecutor(
            execution, self._manager.encoded_payloads, self._prepared, self._plan, self._topic, self._context, rights
        )


class _StartPermit:
    """Permission to start, which is acquired once and released as soon as the start is over."""

    def __init__(self, slots: asyncio.Semaphore) -> None:
        self._slots = slots
        self._acquired = False

    async def acquire(self) -> None:
        await self._slots.acquire()
        self._acquired = True

    def release(self) -> None:
        if self._acquired:
            self._acquired = False
            self._slots.release()
