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
from gateway.subscriptions.protocols import Positions, S, Teller, Unsure
from realtime.background_tasks import OwnedTasks
from realtime.feed import Feed
from realtime.hub import Hub
from realtime.listener import Listener

IN_A_ROW: Final = 32
"""Entries that are told before what was said has to be on its way."""
_BREATH: Final = 64
"""Groups that are told before others get their turn."""
_LOOKED_AT: Final = 256
"""Entries that are taken from the listener at most, to see whether they may change rights."""


class Seat(Generic[S]):
    """A member's place in a group. It hears the member's own stream, to leave when something happens there."""

    __slots__ = ("ahead", "feed", "group", "own_position", "subscriber")

    def __init__(self, group: "Group[S]", subscriber: S, feed: Feed, own_position: int, ahead: Positions) -> None:
        self.group = group
        self.subscriber = subscriber
        self.feed = feed
        self.own_position = own_position
        self.ahead: Positions | None = ahead or None

    def offer(self, entry: Entry, size: int, *, filling: bool) -> None:
        """From the feed of the own stream."""
        if entry.position > self.own_position:
            self.go_alone()

    def expire(self) -> None:
        """From the feed: entries of the own stream are gone. Going on alone, the subscriber finds out."""
        self.go_alone()

    def go_alone(self) -> None:
        """Leave the group and go on from here."""
        positions = self.group.positions | (self.ahead or {}) | {self.subscriber.own: self.own_position}
        self.leave()
        self.subscriber.go_alone(positions)

    def leave(self) -> None:
        """Give up the seat."""
        self.group.remove(self)


class Group(Generic[S]):
    """Subscribers who are told the same."""

    def __init__(self, groups: "Groups[S]", key: Hashable, teller: Teller[S], choir: "Choir[S]") -> None:
        self._groups = groups
        self.teller = teller
        self.choir = choir
        self.key = key
        self.positions = choir.positions
        self.seats: dict[S, Seat[S]] = {}
        choir.groups[self] = None

    def add(self, subscriber: S, feed: Feed, positions: Positions) -> Seat[S]:
        """A seat for somebody who stands at these positions, which are the group's or later."""
        ahead = {stream: at for stream, at in positions.items() if at > self.positions.get(stream, at)}
        seat = self.seats[subscriber] = Seat(self, subscriber, feed, positions[subscriber.own], ahead)
        feed.holds += 1
        feed.followers.add(seat)
        return seat

    def remove(self, seat: Seat[S]) -> None:
        """A member is gone; the last one ends the group."""
        if self.seats.get(seat.subscriber) is not seat:
            return
        del self.seats[seat.subscriber]
        seat.feed.followers.discard(seat)
        self._groups.hub.release(seat.feed)
        if not self.seats:
            self._groups.forget(self)
            self.choir.remove(self)

    @property
    def speaker(self) -> S:
        """One of the members."""
        return next(iter(self.seats))

    async def tell(self, entry: Entry, after: Positions) -> bool:
        """Tell one entry; whether there was anything to tell."""
        told, last = None, False
        try:
            answer = self.teller.tell_now(entry, after, self.speaker) if self.teller.immediate else None
            if answer is None:
                try:
                    answer = await self.teller.tell(entry, after, self.speaker, again=False)
                except Unsure:
                    await self.regroup()
                    if not self.seats:
                        return False
                    answer = await self.teller.tell(entry, after, self.speaker, again=True)
            told, last = answer
        except Exception as error:  # noqa: BLE001 (the rim of a group: its members are told, and a bug is logged there)
            self.end(error)
            return False
        self.positions = after
        for seat in list(self.seats.values()):
            if seat.ahead is not None and self._had(seat, entry):
                continue
            if told is not None:
                seat.subscriber.tell(told, seat.own_position)
        if last:
            self.end(None)
        return told is not None

    def _had(self, seat: Seat[S], entry: Entry) -> bool:
        """Whether a seat that was ahead has been told the entry; no seat is ahead for long."""
        assert seat.ahead is not None
        had = entry.position <= seat.ahead.get(entry.stream, 0)
        seat.ahead = {stream: at for stream, at in seat.ahead.items() if at > self.positions[stream]} or None
        return had

    async def regroup(self) -> None:
        """Learn who is still equal, and let the others go on alone."""
        try:
            key, others = await self.teller.regroup(list(self.seats))
        except Exception as error:  # noqa: BLE001 (the rim of a group: its members are told, and a bug is logged there)
            self.end(error)
            return
        for subscriber in others:
            if seat := self.seats.get(subscriber):
                seat.go_alone()
        if key != self.key and self.seats:
            self._groups.rename(self, key)

    def end(self, error: Exception | None) -> None:
        """Let everybody go."""
        for seat in list(self.seats.values()):
            seat.leave()
            seat.subscriber.end(error)


class Choir(Generic[S]):
    """Groups that follow the same streams and are told in turns."""

    def __init__(self, groups: "Groups[S]", positions: Positions) -> None:
        self._all = groups
        self._waiting: deque[Entry] = deque()
        self._look = False
        self._told = 0
        self.positions = positions
        self.groups: dict[Group[S], None] = {}
        self.stop: Callable[[], object] | None = None

    def remove(self, group: Group[S]) -> None:
        """A group is over; the last one ends the choir."""
        self.groups.pop(group, None)
        if not self.groups:
            self._all.dissolve(self)
            if self.stop:
                self.stop()

    async def run(self) -> None:
        """Tell the groups what happens, until there are none."""
        while self.groups:
            async with self._all.hub.listen() as listener:
                self._waiting.clear()
                try:
                    for stream, after in self.positions.items():
                        await listener.add(stream, after)
                    async for entry in listener:
                        self._take(entry)
                        await self._tell_waiting(listener)
                    return  # the hub has closed
                except SubscriptionLagged:
                    continue  # the choir is slow: from the log, then
                except DomainError as error:
                    for group in list(self.groups):
                        group.end(error)

    def _take(self, entry: Entry) -> None:
        self._waiting.append(entry)
        self._look |= next(iter(self.groups)).teller.may_regroup(entry)

    async def _tell_waiting(self, listener: Listener) -> None:
        while self._waiting:
            while len(self._waiting) < _LOOKED_AT and (entry := listener.take()) is not None:
                self._take(entry)
            if self._look:
                self._look = False
                await asyncio.gather(*(group.regroup() for group in self.groups))
                if not self.groups:
                    return
            many = IN_A_ROW if next(iter(self.groups)).teller.immediate else 1
            await self._tell([self._waiting.popleft() for _ in range(min(many, len(self._waiting)))])
            if many > 1 or not self._waiting or self._told >= IN_A_ROW:
                self._told = 0
                await self._all.breathe()

    async def _tell(self, entries: Sequence[Entry]) -> None:
        """Tell each group all of these, so that what it is told goes out together."""
        after = self.positions
        steps = [(entry, after := after | {entry.stream: entry.position}) for entry in entries]
        for count, group in enumerate(list(self.groups), 1):
            for entry, then in steps:
                if group.seats and await group.tell(entry, then):
                    self._told += 1
            if count % _BREATH == 0:
                await asyncio.sleep(0)
        self.positions = after


class Groups(Generic[S]):
    """All groups of a process."""

    def __init__(self, hub: Hub, tasks: OwnedTasks, *, breathe: Callable[[], Awaitable[object]]) -> None:
        """`breathe`: waits until what was said is on its way."""
        self.hub = hub
        self.breathe = breathe
        self._tasks = tasks
        self._groups: dict[Hashable, Group[S]] = {}
        self._choirs: dict[frozenset[str], Choir[S]] = {}

    def __iter__(self) -> Iterator[Group[S]]:
        return iter(self._groups.values())

    def join(self, key: Hashable, subscriber: S, positions: Positions, teller: Callable[[], Teller[S]]) -> Seat[S]:
        """A seat in the group with this key, made when there is none, for somebody who has been told everything that the feeds
        of his streams have handed on.
        """
        group = self._groups.get(key)
        streams = {stream: at for stream, at in positions.items() if stream != subscriber.own}
        if group is None or group.positions.keys() != streams.keys():
            made = teller()
            group = self._groups[key] = Group(self, key, made, self._choir(made, streams))
        return group.add(subscriber, self.hub.expect(subscriber.own), positions)

    def rename(self, group: Group[S], key: Hashable) -> None:
        """The group stands for another key now; when there is one already, both go on, and new members find the older."""
        self.forget(group)
        group.key = key
        self._groups.setdefault(key, group)

    def forget(self, group: Group[S]) -> None:
        """Nobody may join the group any more."""
        if self._groups.get(group.key) is group:
            del self._groups[group.key]

    def dissolve(self, choir: Choir[S]) -> None:
        """No group may join the choir any more."""
        streams = frozenset(choir.positions)
        if self._choirs.get(streams) is choir:
            del self._choirs[streams]

    def _choir(self, teller: Teller[S], positions: Positions) -> Choir[S]:
        """The choir for a new group at these positions, which are those of a choir that is there, or later."""
        streams = frozenset(positions)
        choir = self._choirs.get(streams) if teller.immediate else None
        if choir is None:
            choir = Choir(self, positions)
            if teller.immediate:
                self._choirs[streams] = choir
            choir.stop = self._tasks.start(choir.run(), "choir")
        return choir
