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
from gateway.execution.errors import FormattedError, failure
from gateway.execution.executor import Executor, Prepared
from gateway.subscriptions.group_executor import Run, Said, Teller
from gateway.subscriptions.groups import GroupMembership, GroupRegistry
from gateway.subscriptions.plan import Plan, Plans
from gateway.subscriptions.protocols import Positions
from gateway.subscriptions.shared_payload import Told
from persistence.rights import Rights
from realtime.background_tasks import BackgroundTasks
from realtime.hub import StreamHub
from resolvers.context import Context
from resolvers.event_visibility import Hearing
from resolvers.subscription_topic import Theme, follow
from transport.write_scheduler import WriteScheduler

STARTING: Final = 256
"""Subscriptions that look up their rights and read the log at once; the others wait their turn, first come, first served."""


class Sink(Protocol):
    """Where a transport takes what a subscription is told."""

    def tell(self, told: Told, own_position: int) -> None:
        """One answer; may not wait. Whoever cannot keep up closes the subscription."""
        ...

    async def room(self) -> None:
        """Wait until a replay may go on."""
        ...

    def end(self, errors: Sequence[FormattedError]) -> None:
        """Nothing more comes: because of these errors, or because all was told."""
        ...


class Events:
    """All subscriptions of a process; `hub` may be None where only graphql-core follows."""

    def __init__(self, executor: Executor, hub: StreamHub | None) -> None:
        self.executor = executor
        self.outlet = WriteScheduler()
        self.tasks = BackgroundTasks()
        self.starting = asyncio.Semaphore(STARTING)
        self.plans = Plans(executor)
        self.groups: GroupRegistry[Subscription] | None = None
        if hub is not None:
            self.groups = GroupRegistry(hub, self.tasks, drain_writes=self.outlet.drained)
        self.said = Said()
        self.counts: Counter[str] = Counter()

    def plan(self, prepared: Prepared) -> Plan | None:
        """How a subscription is followed; None: by graphql-core."""
        return None if self.groups is None else self.plans.of(prepared.operation)

    def subscribe(self, prepared: Prepared, plan: Plan, context: Context, sink: Sink) -> "Subscription":
        """Begin to tell a sink; what refuses the subscription is told as its end."""
        subscription = Subscription(self, prepared, plan, context, sink)
        subscription.leave_group(None)
        return subscription

    async def close(self) -> None:
        """End the tasks of all groups and of all that are followed alone."""
        await self.tasks.cancel_all()


class Subscription:
    """One subscriber's: a `gateway.subscriptions.groups.Subscriber`."""

    __slots__ = ("_context", "_events", "_plan", "_prepared", "_seat", "_sink", "_stop", "_theme", "own_stream")

    def __init__(self, events: Events, prepared: Prepared, plan: Plan, context: Context, sink: Sink) -> None:
        self._events = events
        self._prepared = prepared
        self._plan = plan
        self._context = context
        self._sink: Sink | None = sink
        self._theme: Theme | None = None
        self._seat: GroupMembership[Subscription] | None = None
        self._stop: Callable[[], object] | None = None
        self.own_stream = "" if context.actor is None else user_stream(context.actor.user_id)

    @property
    def context(self) -> Context:
        """Who subscribed."""
        return self._context

    @property
    def viewer(self) -> UUID:
        return self._context.viewer.user_id

    def cursor(self, told: Told, own_position: int) -> str:
        """Where to go on after what was told."""
        return self._context.services.cursors.seal({**told.positions, self.own_stream: own_position})

    def cursor_now(self) -> str | None:
        """Where to go on after everything so far; None while it is followed alone."""
        if self._seat is None:
            return None
        positions = self._seat.group.positions | (self._seat.ahead or {}) | {self.own_stream: self._seat.own_position}
        return self._context.services.cursors.seal(positions)

    def close(self) -> None:
        """Tell no more."""
        self._sink = None
        if self._seat is not None:
            self._seat.release()
            self._seat = None
        if self._stop is not None:
            self._stop()
            self._stop = None

    def send(self, told: Told, own_position: int) -> None:
        """From the group."""
        if self._sink is None:
            return
        if told.errors:
            self._end(told.errors)
        else:
            self._sink.tell(told, own_position)

    def complete(self, error: Exception | None) -> None:
        """From the group: it is over."""
        self._seat = None
        if self._sink is not None:
            self._end([] if error is None else failure(error))

    def leave_group(self, positions: Positions | None) -> None:
        """Begin, or go on after these positions."""
        self._seat = None
        if self._sink is not None:
            self._stop = self._events.tasks.start(self._alone(positions), "subscription")

    def _end(self, errors: Sequence[FormattedError]) -> None:
        sink = self._sink
        self.close()
        if sink is not None:
            sink.end(errors)

    async def _alone(self, resume: Positions | None) -> None:
        """Be told alone, until there is a seat in a group or nothing more to tell."""
        turn = _Turn(self._events.starting)
        try:
            await turn.take()
            if self._theme is None:
                programs = self._events.executor.programs
                self._theme = self._plan.theme(programs, self._prepared, self._context)
            hearing = Hearing(self._context, self._theme.scope)
            if resume is None:
                await self._theme.check(hearing)
            run = Run(self._events.executor, self._events.counts, self._prepared)
            join = partial(self._join, hearing, turn)
            async with aclosing(follow(self._theme, hearing, resume=resume, caught_up=join)) as changes:
                async for change, _ in changes:
                    turn.give_back()
                    answer = await run(self._context, change)
                    if not answer.executed:
                        self._over(answer.errors)
                        return
                    if (sink := self._sink) is not None:
                        await sink.room()
                        sink.tell(Told((encode(answer.payload()),), change.positions), change.positions[self.own_stream])
                    await asyncio.sleep(0)  # a long replay leaves the others their turn
            if self._seat is None:
                self._over([])
        except Exception as error:  # noqa: BLE001 (the rim)
            self._over(failure(error))
        finally:
            turn.give_back()

    def _over(self, errors: Sequence[FormattedError]) -> None:
        """The task that follows alone is at its end."""
        self._stop = None
        self._end(errors)

    def _join(self, hearing: Hearing, turn: "_Turn", positions: Positions) -> bool:
        turn.give_back()
        groups = self._events.groups
        assert groups is not None
        key = self._plan.key(self._prepared, self._context, hearing.rights)
        self._stop = None
        self._seat = groups.join(key, self, dict(positions), lambda: self._teller(hearing.rights))
        return True

    def _teller(self, rights: Rights) -> Teller:
        assert self._theme is not None
        run = Run(self._events.executor, self._events.counts, self._prepared)
        return Teller(run, self._events.said, self._prepared, self._plan, self._theme, self._context, rights)


class _Turn:
    """A turn to begin, taken once and given back as soon as the beginning is over."""

    def __init__(self, turns: asyncio.Semaphore) -> None:
        self._turns = turns
        self._taken = False

    async def take(self) -> None:
        await self._turns.acquire()
        self._taken = True

    def give_back(self) -> None:
        if self._taken:
            self._taken = False
            self._turns.release()
