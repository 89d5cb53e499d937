"""Execute once, send to many: subscribers who would be told the same are a group, and the group is told.

A *group* follows its streams with one listener; each entry is decided on, executed and encoded once (`Teller`), and its members
are only handed the result. A *seat* is a member's place. Every subscription begins alone (`resolvers.subscription_topic.follow`);
when it has been told everything that this process has heard, it takes a seat in the same step of the event loop: nothing fits
between. The group may be behind it by what it is executing, so a seat knows how far it is ahead and is not told that again.

A seat leaves for good when its subscription ends, and goes on alone, from exactly where the group has brought it, when

- something happens in its viewer's own stream, which the group does not follow;
- something happened that may change rights, and its viewer's rights are no longer those of the group. Rights are looked up for
  all members in one question, as soon as such an entry is *heard*, though others wait before it: what those who lost a right are
  told of the time before is then read with their own eyes.

Those whose rights changed alike stay together: most often it is everybody, since somebody began a project. What remains is the
time between a commit and its announcement, milliseconds, in which an object may be told as it is to somebody who has just lost
it.

Groups of the same streams that can be told without waiting for anything sit in one *choir*: one listener and one task for all of
them, as waking up a thousand tasks costs more than what they have to say. A group that waits for the database has a choir of its
own: nobody waits for it. A choir that cannot keep up falls behind, not its members: it goes back to the log and catches up. After
every few entries it waits until what it said was handed to the sockets, so that a burst goes out in few writes.

Rejected: a task for every group, or for every seat (memory, and a wake-up for each delivery: 999 groups cost 66 us a delivery
instead of 20); telling all groups in one task (a slow one would hold up the others).
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
"""Entries that are told before what was said has to be on its way."""
_GROUPS_PER_YIELD: Final = 64
"""Groups that are told before others get their turn."""
_MAX_QUEUED_ENTRIES: Final = 256
"""Entries that are taken from the listener at most, to see whether they may change rights."""


class GroupMembership(Generic[S]):
    """A member's place in a group. It hears the member's own stream, to leave when something happens there."""

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
        """From the feed of the own stream."""
        if entry.position > self.own_position:
            self.leave_group()

    def expire(self) -> None:
        """From the feed: entries of the own stream are gone. Going on alone, the subscriber finds out."""
        self.leave_group()

    def leave_group(self) -> None:
        """Leave the group and go on from here."""
        positions = self.group.positions | (self.ahead or {}) | {self.subscriber.own_stream: self.own_position}
        self.release()
        self.subscriber.leave_group(positions)

    def release(self) -> None:
        """Give up the seat."""
        self.group.remove(self)


class SubscriptionGroup(Generic[S]):
    """Subscribers who are told the same."""

    def __init__(self, registry: "GroupRegistry[S]", key: Hashable, executor: GroupExecutor[S], worker: "GroupWorker[S]") -> None:
        self._registry = registry
        self.executor = executor
        self.worker = worker
        self.key = key
        self.positions = worker.positions
        self.members: dict[S, GroupMembership[S]] = {}
        worker.groups[self] = None

    def add(self, subscriber: S, feed: StreamFeed, positions: Positions) -> GroupMembership[S]:
        """A seat for somebody who stands at these positions, which are the group's or later."""
        ahead = {stream: at for stream, at in positions.items() if at > self.positions.get(stream, at)}
        seat = self.members[subscriber] = GroupMembership(self, subscriber, feed, positions[subscriber.own_stream], ahead)
        feed.reference_count += 1
        feed.followers.add(seat)
        return seat

    def remove(self, membership: GroupMembership[S]) -> None:
        """A member is gone; the last one ends the group."""
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
        """Tell one entry; whether there was anything to tell."""
        told, last = None, False
        try:
            answer = self.executor.execute_now(entry, after, self.representative) if self.executor.immediate else None
            if answer is None:
                try:
                    answer = await self.executor.execute(entry, after, self.representative, is_retry=False)
                except RightsStale:
                    await self.repartition()
                    if not self.members:
                        return False
                    answer = await self.executor.execute(entry, after, self.representative, is_retry=True)
            told, last = answer
        except Exception as error:  # noqa: BLE001 (the rim of a group: its members are told, and a bug is logged there)
            self.complete(error)
            return False
        self.positions = after
        for seat in list(self.members.values()):
            if seat.ahead is not None and self._has_received(seat, entry):
                continue
            if told is not None:
                seat.subscriber.send(told, seat.own_position)
        if last:
            self.complete(None)
        return told is not None

    def _has_received(self, membership: GroupMembership[S], entry: Entry) -> bool:
        """Whether a seat that was ahead has been told the entry; no seat is ahead for long."""
        assert membership.ahead is not None
        had = entry.position <= membership.ahead.get(entry.stream, 0)
        membership.ahead = {stream: at for stream, at in membership.ahead.items() if at > self.positions[stream]} or None
        return had

    async def repartition(self) -> None:
        """Learn who is still equal, and let the others go on alone."""
        try:
            key, others = await self.executor.repartition(list(self.members))
        except Exception as error:  # noqa: BLE001 (the rim of a group: its members are told, and a bug is logged there)
            self.complete(error)
            return
        for subscriber in others:
            if seat := self.members.get(subscriber):
                seat.leave_group()
        if key != self.key and self.members:
            self._registry.change_key(self, key)

    def complete(self, error: Exception | None) -> None:
        """Let everybody go."""
        for seat in list(self.members.values()):
            seat.release()
            seat.subscriber.complete(error)


class GroupWorker(Generic[S]):
    """Groups that follow the same streams and are told in turns."""

    def __init__(self, registry: "GroupRegistry[S]", positions: Positions) -> None:
        self._registry = registry
        self._queue: deque[Entry] = deque()
        self._needs_repartition = False
        self._sent_count = 0
        self.positions = positions
        self.groups: dict[SubscriptionGroup[S], None] = {}
        self.stop: Callable[[], object] | None = None

    def remove(self, group: SubscriptionGroup[S]) -> None:
        """A group is over; the last one ends the choir."""
        self.groups.pop(group, None)
        if not self.groups:
            self._registry.unregister_worker(self)
            if self.stop:
                self.stop()

    async def run(self) -> None:
        """Tell the groups what happens, until there are none."""
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
                    continue  # the choir is slow: from the log, then
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
        """Tell each group all of these, so that what it is told goes out together."""
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
        """`breathe`: waits until what was said is on its way."""
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
        """A seat in the group with this key, made when there is none, for somebody who has been told everything that the feeds
        of his streams have handed on.
        """
        group = self._groups.get(key)
        streams = {stream: at for stream, at in positions.items() if stream != subscriber.own_stream}
        if group is None or group.positions.keys() != streams.keys():
            made = create_executor()
            group = self._groups[key] = SubscriptionGroup(self, key, made, self._worker_for(made, streams))
        return group.add(subscriber, self.hub.feed_for(subscriber.own_stream), positions)

    def change_key(self, group: SubscriptionGroup[S], key: Hashable) -> None:
        """The group stands for another key now; when there is one already, both go on, and new members find the older."""
        self.unregister(group)
        group.key = key
        self._groups.setdefault(key, group)

    def unregister(self, group: SubscriptionGroup[S]) -> None:
        """Nobody may join the group any more."""
        if self._groups.get(group.key) is group:
            del self._groups[group.key]

    def unregister_worker(self, worker: GroupWorker[S]) -> None:
        """No group may join the choir any more."""
        streams = frozenset(worker.positions)
        if self._workers.get(streams) is worker:
            del self._workers[streams]

    def _worker_for(self, executor: GroupExecutor[S], positions: Positions) -> GroupWorker[S]:
        """The choir for a new group at these positions, which are those of a choir that is there, or later."""
        streams = frozenset(positions)
        choir = self._workers.get(streams) if executor.immediate else None
        if choir is None:
            choir = GroupWorker(self, positions)
            if executor.immediate:
                self._workers[streams] = choir
            choir.stop = self._tasks.start(choir.run(), "choir")
        return choir
