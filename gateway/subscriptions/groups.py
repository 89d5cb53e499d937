"""Executes once, sends to many: subscribers who would receive the same are a group.

A *group* handles each entry of its streams once: decides whether it is visible, executes and encodes it (`GroupExecutor`), and
hands the result to its members. A *membership* is a subscriber's place in a group. Every subscription begins alone
(`resolvers.subscription_topic.stream_changes`); when it has received everything that this process has, it joins a group in the
same step of the event loop, so that nothing fits between. The group may be behind it by what it is executing, so a membership
knows how far its subscriber is ahead, and does not send that again.

A subscriber leaves the group for good when its subscription ends. It goes on alone, from exactly where the group has brought it,
when

- something happens in its viewer's own stream, which the group does not follow;
- something happened that may change rights, and its viewer's rights are no longer those of the group. Rights are loaded for all
  members in one query, as soon as such an entry is *received*, though others wait before it: what is sent to those who lost a
  right, of the time before, is then read with their own rights.

Subscribers whose rights changed alike stay together: most often these are all, because a project was created. What remains is the
time between a commit and its announcement, milliseconds, in which an object may be sent as it is to somebody who has just lost
it.

Groups of the same streams that can be executed without waiting share one *worker*: one listener and one task, since waking a
thousand tasks costs more than executing their events. A group that waits for the database has a worker of its own, so that nobody
waits for it. When a worker cannot keep up, it falls behind, not its members: it returns to the log and catches up. After every
few entries it waits until what it sent was handed to the sockets, so that a burst leaves in few writes.

Rejected: a task for every group, or for every membership (memory, and a wake-up for each delivery: 999 groups cost 66 µs a
delivery instead of 20); executing all groups in one task (a slow one would delay the others).
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Iterator, Sequence
from typing import Final, Generic

from domain.errors import DomainError, SubscriptionLagged
from domain.events import Entry
from gateway.subscriptions.protocols import GroupExecutor, Positions, RightsStale, S
from realtime.background_tasks import BackgroundTasks
from realtime.feed import StreamFeed
from realtime.hub import StreamHub
from realtime.listener import StreamListener

MAX_BATCH_ENTRIES: Final = 32
"""Entries that are executed before what was sent has to be on its way."""
_GROUPS_PER_YIELD: Final = 64
"""Groups that are executed before other tasks have their turn."""
_MAX_QUEUED_ENTRIES: Final = 256
"""Entries that are taken from the listener ahead of their execution, to see whether they may change rights."""


class GroupMembership(Generic[S]):
    """A subscriber's place in a group: a `realtime.feed.Follower` of the subscriber's own stream, whose events end it."""

    __slots__ = ("ahead", "feed", "group", "own_position", "subscriber")

    def __init__(
        self, group: "SubscriptionGroup[S]", subscriber: S, feed: StreamFeed, own_position: int, ahead: Positions
    ) -> None:
        self.group = group
        self.subscriber = subscriber
        self.feed = feed
        self.own_position = own_position
        self.ahead: Positions | None = ahead or None

    def offer(self, entry: Entry, size: int, *, is_backfill: bool) -> None:
        """Called by the feed of the own stream."""
        if entry.position > self.own_position:
            self.leave_group()

    def expire(self) -> None:
        """Called by the feed: entries of the own stream are gone. The subscriber finds that out when it goes on alone."""
        self.leave_group()

    def leave_group(self) -> None:
        """Leave the group and go on alone from here."""
        positions = self.group.positions | (self.ahead or {}) | {self.subscriber.own_stream: self.own_position}
        self.release()
        self.subscriber.leave_group(positions)

    def release(self) -> None:
        """End the membership."""
        self.group.remove(self)


class SubscriptionGroup(Generic[S]):
    """Subscribers who receive the same."""

    def __init__(self, registry: "GroupRegistry[S]", key: Hashable, executor: GroupExecutor[S], worker: "GroupWorker[S]") -> None:
        self._registry = registry
        self.executor = executor
        self.worker = worker
        self.key = key
        self.positions = worker.positions
        self.members: dict[S, GroupMembership[S]] = {}
        worker.groups[self] = None

    def add(self, subscriber: S, feed: StreamFeed, positions: Positions) -> GroupMembership[S]:
        """The membership of a subscriber at these positions, which are the group's or later."""
        ahead = {stream: at for stream, at in positions.items() if at > self.positions.get(stream, at)}
        membership = self.members[subscriber] = GroupMembership(self, subscriber, feed, positions[subscriber.own_stream], ahead)
        feed.reference_count += 1
        feed.followers.add(membership)
        return membership

    def remove(self, membership: GroupMembership[S]) -> None:
        """End a membership; the last one ends the group."""
        if self.members.get(membership.subscriber) is not membership:
            return
        del self.members[membership.subscriber]
        membership.feed.followers.discard(membership)
        self._registry.hub.release(membership.feed)
        if not self.members:
            self._registry.unregister(self)
            self.worker.remove(self)

    @property
    def representative(self) -> S:
        """One of the members."""
        return next(iter(self.members))

    async def execute(self, entry: Entry, after: Positions) -> bool:
        """Execute one entry and send the result; whether there was anything to send."""
        payload, is_last = None, False
        try:
            result = self.executor.execute_now(entry, after, self.representative) if self.executor.immediate else None
            if result is None:
                try:
                    result = await self.executor.execute(entry, after, self.representative, is_retry=False)
                except RightsStale:
                    await self.repartition()
                    if not self.members:
                        return False
                    result = await self.executor.execute(entry, after, self.representative, is_retry=True)
            payload, is_last = result
        except Exception as error:  # noqa: BLE001 (the boundary of a group: its members get the error, and a bug is logged there)
            self.complete(error)
            return False
        self.positions = after
        for each in list(self.members.values()):
            if each.ahead is not None and self._has_received(each, entry):
                continue
            if payload is not None:
                each.subscriber.send(payload, each.own_position)
        if is_last:
            self.complete(None)
        return payload is not None

    def _has_received(self, membership: GroupMembership[S], entry: Entry) -> bool:
        """Whether a subscriber that was ahead has received the entry already; none is ahead for long."""
        assert membership.ahead is not None
        received = entry.position <= membership.ahead.get(entry.stream, 0)
        membership.ahead = {stream: at for stream, at in membership.ahead.items() if at > self.positions[stream]} or None
        return received

    async def repartition(self) -> None:
        """Find out whose rights are still equal, and let the others go on alone."""
        try:
            key, others = await self.executor.repartition(list(self.members))
        except Exception as error:  # noqa: BLE001 (the boundary of a group: its members get the error, and a bug is logged there)
            self.complete(error)
            return
        for subscriber in others:
            if membership := self.members.get(subscriber):
                membership.leave_group()
        if key != self.key and self.members:
            self._registry.change_key(self, key)

    def complete(self, error: Exception | None) -> None:
        """End the subscriptions of all members."""
        for each in list(self.members.values()):
            each.release()
            each.subscriber.complete(error)


class GroupWorker(Generic[S]):
    """Executes the groups that follow the same streams, one after the other."""

    def __init__(self, registry: "GroupRegistry[S]", positions: Positions) -> None:
        self._registry = registry
        self._queue: deque[Entry] = deque()
        self._needs_repartition = False
        self._sent_count = 0
        self.positions = positions
        self.groups: dict[SubscriptionGroup[S], None] = {}
        self.stop: Callable[[], object] | None = None

    def remove(self, group: SubscriptionGroup[S]) -> None:
        """A group has ended; the last one ends the worker."""
        self.groups.pop(group, None)
        if not self.groups:
            self._registry.unregister_worker(self)
            if self.stop:
                self.stop()

    async def run(self) -> None:
        """Execute entries for the groups, until there are none."""
        while self.groups:
            async with self._registry.hub.listen() as listener:
                self._queue.clear()
                try:
                    for stream, after in self.positions.items():
                        await listener.add(stream, after)
                    async for entry in listener:
                        self._enqueue(entry)
                        await self._process_queue(listener)
                    return  # the hub has closed
                except SubscriptionLagged:
                    continue  # this worker is slow: it goes on from the log
                except DomainError as error:
                    for group in list(self.groups):
                        group.complete(error)

    def _enqueue(self, entry: Entry) -> None:
        self._queue.append(entry)
        self._needs_repartition |= next(iter(self.groups)).executor.may_affect_membership(entry)

    async def _process_queue(self, listener: StreamListener) -> None:
        while self._queue:
            while len(self._queue) < _MAX_QUEUED_ENTRIES and (entry := listener.get_nowait()) is not None:
                self._enqueue(entry)
            if self._needs_repartition:
                self._needs_repartition = False
                await asyncio.gather(*(group.repartition() for group in self.groups))
                if not self.groups:
                    return
            many = MAX_BATCH_ENTRIES if next(iter(self.groups)).executor.immediate else 1
            await self._execute_batch([self._queue.popleft() for _ in range(min(many, len(self._queue)))])
            if many > 1 or not self._queue or self._sent_count >= MAX_BATCH_ENTRIES:
                self._sent_count = 0
                await self._registry.drain_writes()

    async def _execute_batch(self, entries: Sequence[Entry]) -> None:
        """Execute all of these for each group, so that its results leave together."""
        after = self.positions
        steps = [(entry, after := after | {entry.stream: entry.position}) for entry in entries]
        for count, group in enumerate(list(self.groups), 1):
            for entry, then in steps:
                if group.members and await group.execute(entry, then):
                    self._sent_count += 1
            if count % _GROUPS_PER_YIELD == 0:
                await asyncio.sleep(0)
        self.positions = after


class GroupRegistry(Generic[S]):
    """All groups of a process."""

    def __init__(self, hub: StreamHub, tasks: BackgroundTasks, *, drain_writes: Callable[[], Awaitable[object]]) -> None:
        """`drain_writes` waits until what was sent has been handed to the sockets."""
        self.hub = hub
        self.drain_writes = drain_writes
        self._tasks = tasks
        self._groups: dict[Hashable, SubscriptionGroup[S]] = {}
        self._workers: dict[frozenset[str], GroupWorker[S]] = {}

    def __iter__(self) -> Iterator[SubscriptionGroup[S]]:
        return iter(self._groups.values())

    def join(
        self, key: Hashable, subscriber: S, positions: Positions, create_executor: Callable[[], GroupExecutor[S]]
    ) -> GroupMembership[S]:
        """The membership in the group with this key, which is created when there is none, of a subscriber that has received
        everything that the feeds of its streams have delivered.
        """
        group = self._groups.get(key)
        streams = {stream: at for stream, at in positions.items() if stream != subscriber.own_stream}
        if group is None or group.positions.keys() != streams.keys():
            executor = create_executor()
            group = self._groups[key] = SubscriptionGroup(self, key, executor, self._worker_for(executor, streams))
        return group.add(subscriber, self.hub.feed_for(subscriber.own_stream), positions)

    def change_key(self, group: SubscriptionGroup[S], key: Hashable) -> None:
        """The group has another key now. If there is a group of that key already, both go on, and new members join the older."""
        self.unregister(group)
        group.key = key
        self._groups.setdefault(key, group)

    def unregister(self, group: SubscriptionGroup[S]) -> None:
        """No subscriber may join the group any more."""
        if self._groups.get(group.key) is group:
            del self._groups[group.key]

    def unregister_worker(self, worker: GroupWorker[S]) -> None:
        """No group may join the worker any more."""
        streams = frozenset(worker.positions)
        if self._workers.get(streams) is worker:
            del self._workers[streams]

    def _worker_for(self, executor: GroupExecutor[S], positions: Positions) -> GroupWorker[S]:
        """The worker of a new group at these positions, which are those of an existing worker, or later."""
        streams = frozenset(positions)
        worker = self._workers.get(streams) if executor.immediate else None
        if worker is None:
            worker = GroupWorker(self, positions)
            if executor.immediate:
                self._workers[streams] = worker
            worker.stop = self._tasks.start(worker.run(), "subscription groups")
        return worker
