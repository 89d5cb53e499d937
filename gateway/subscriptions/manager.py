"""Subscriptions as transports hold them: alone until they have caught up, then in a group that is executed and encoded once.

`Events.subscribe` hands every answer, encoded, to the transport's sink; `Events.stream` is the same as an async iterator. What
cannot be planned (`gateway.subscriptions.plan`) is followed by graphql-core, one task each.

A subscription that sits in a group has no task, no listener and no context: what it costs is its seat.
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
from gateway.subscriptions.group_executor import EncodedPayloads, EventExecution, GroupExecutor
from gateway.subscriptions.groups import GroupMembership, GroupRegistry
from gateway.subscriptions.plan import PlanCache, SubscriptionPlan
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
"""Subscriptions that look up their rights and read the log at once; the others wait their turn, first come, first served."""


class SubscriptionSink(Protocol):
    """Where a transport takes what a subscription is told."""

    def send(self, payload: SharedPayload, own_position: int) -> None:
        """One answer; may not wait. Whoever cannot keep up closes the subscription."""
        ...

    async def drained(self) -> None:
        """Wait until a replay may go on."""
        ...

    def complete(self, errors: Sequence[FormattedError]) -> None:
        """Nothing more comes: because of these errors, or because all was told."""
        ...


class SubscriptionManager:
    """All subscriptions of a process; `hub` may be None where only graphql-core follows."""

    def __init__(self, executor: Executor, hub: StreamHub | None) -> None:
        self.executor = executor
        self.write_scheduler = WriteScheduler()
        self.tasks = BackgroundTasks()
        self.start_slots = asyncio.Semaphore(MAX_CONCURRENT_STARTS)
        self.plans = PlanCache(executor)
        self.groups: GroupRegistry[Subscription] | None = None
        if hub is not None:
            self.groups = GroupRegistry(hub, self.tasks, drain_writes=self.write_scheduler.drained)
        self.encoded_payloads = EncodedPayloads()
        self.execution_counts: Counter[str] = Counter()

    def plan(self, prepared: PreparedOperation) -> SubscriptionPlan | None:
        """How a subscription is followed; None: by graphql-core."""
        return None if self.groups is None else self.plans.get(prepared.operation)

    def subscribe(
        self, prepared: PreparedOperation, plan: SubscriptionPlan, context: Context, sink: SubscriptionSink
    ) -> "Subscription":
        """Begin to tell a sink; what refuses the subscription is told as its end."""
        subscription = Subscription(self, prepared, plan, context, sink)
        subscription.leave_group(None)
        return subscription

    async def close(self) -> None:
        """End the tasks of all groups and of all that are followed alone."""
        await self.tasks.cancel_all()


class Subscription:
    """One subscriber's: a `gateway.subscriptions.groups.Subscriber`."""

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
        """Who subscribed."""
        return self._context

    @property
    def viewer(self) -> UUID:
        return self._context.viewer.user_id

    def cursor(self, payload: SharedPayload, own_position: int) -> str:
        """Where to go on after what was told."""
        return self._context.services.cursors.encode({**payload.positions, self.own_stream: own_position})

    def current_cursor(self) -> str | None:
        """Where to go on after everything so far; None while it is followed alone."""
        if self._membership is None:
            return None
        positions = (
            self._membership.group.positions | (self._membership.ahead or {}) | {self.own_stream: self._membership.own_position}
        )
        return self._context.services.cursors.encode(positions)

    def close(self) -> None:
        """Tell no more."""
        self._sink = None
        if self._membership is not None:
            self._membership.release()
            self._membership = None
        if self._stop is not None:
            self._stop()
            self._stop = None

    def send(self, told: SharedPayload, own_position: int) -> None:
        """From the group."""
        if self._sink is None:
            return
        if told.errors:
            self._complete(told.errors)
        else:
            self._sink.send(told, own_position)

    def complete(self, error: Exception | None) -> None:
        """From the group: it is over."""
        self._membership = None
        if self._sink is not None:
            self._complete([] if error is None else format_errors(error))

    def leave_group(self, positions: Positions | None) -> None:
        """Begin, or go on after these positions."""
        self._membership = None
        if self._sink is not None:
            self._stop = self._manager.tasks.start(self._follow_alone(positions), "subscription")

    def _complete(self, errors: Sequence[FormattedError]) -> None:
        sink = self._sink
        self.close()
        if sink is not None:
            sink.complete(errors)

    async def _follow_alone(self, positions: Positions | None) -> None:
        """Be told alone, until there is a seat in a group or nothing more to tell."""
        turn = _StartPermit(self._manager.start_slots)
        try:
            await turn.acquire()
            if self._topic is None:
                programs = self._manager.executor.programs
                self._topic = self._plan.topic(programs, self._prepared, self._context)
            hearing = ChangeVisibility(self._context, self._topic.scope)
            if positions is None:
                await self._topic.check(hearing)
            run = EventExecution(self._manager.executor, self._manager.execution_counts, self._prepared)
            join = partial(self._join_group, hearing, turn)
            async with aclosing(stream_changes(self._topic, hearing, resume_from=positions, on_caught_up=join)) as changes:
                async for change, _ in changes:
                    turn.release()
                    answer = await run(self._context, change)
                    if not answer.executed:
                        self._finish_following(answer.errors)
                        return
                    if (sink := self._sink) is not None:
                        await sink.drained()
                        sink.send(
                            SharedPayload((encode(answer.to_payload()),), change.positions), change.positions[self.own_stream]
                        )
                    await asyncio.sleep(0)  # a long replay leaves the others their turn
            if self._membership is None:
                self._finish_following([])
        except Exception as error:  # noqa: BLE001 (the rim)
            self._finish_following(format_errors(error))
        finally:
            turn.release()

    def _finish_following(self, errors: Sequence[FormattedError]) -> None:
        """The task that follows alone is at its end."""
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
        run = EventExecution(self._manager.executor, self._manager.execution_counts, self._prepared)
        return GroupExecutor(run, self._manager.encoded_payloads, self._prepared, self._plan, self._topic, self._context, rights)


class _StartPermit:
    """A turn to begin, taken once and given back as soon as the beginning is over."""

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
