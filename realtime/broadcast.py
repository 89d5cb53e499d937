"""Execute once, send to many: subscribers who would be told the same are a group, and the group is told.

A *group* follows its streams with one listener; each entry is decided on, executed and encoded once (`Teller`), and its members are only
handed the result. A *seat* is a member's place. Every subscription begins alone (`resolvers.theme.follow`); when it has been told
everything that this process has heard, it takes a seat in the same step of the event loop: nothing fits between. The group may be behind
it by what it is executing, so a seat knows how far it is ahead and is not told that again.

A seat leaves for good when its subscription ends, and goes on alone, from exactly where the group has brought it, when

- something happens in its viewer's own stream, which the group does not follow;
- something happened that may change rights, and its viewer's rights are no longer those of the group. Rights are looked up for all
  members in one question, as soon as such an entry is *heard*, though others wait before it: what those who lost a right are told of the
  time before is then read with their own eyes.

Those whose rights changed alike stay together: most often it is everybody, since somebody began a project. What remains is the time
between a commit and its announcement, milliseconds, in which an object may be told as it is to somebody who has just lost it.

A group that cannot execute as fast as its streams come falls behind, not its members: it goes back to the log and catches up. After every
few entries it waits until what it said was handed to the sockets, so that a burst goes out in few writes.

Rejected: telling all groups in one task (a slow group would hold up the others); a task for every seat (memory, and a wake-up for each
delivery).
"""

from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Any, Final, Generic, Protocol, TypeVar

from domain.errors import SubscriptionLagged
from domain.events import Entry
from realtime.feed import Feed
from realtime.hub import Hub
from realtime.listener import Listener
from realtime.owned import OwnedTasks

IN_A_ROW: Final = 32
"""Entries that are told before what was said has to be on its way."""
_LOOKED_AT: Final = 256
"""Entries that are taken from the listener at most, to see whether they may change rights."""

Positions = dict[str, int]


class Subscriber(Protocol):
    """Whose seat it is."""

    own: str
    """The stream that he alone follows."""

    def tell(self, told: Any, own_position: int) -> None:
        """The next thing; may not wait."""
        ...

    def go_alone(self, positions: Positions) -> None:
        """Go on alone after these positions, which hold his own stream's too."""
        ...

    def end(self, error: Exception | None) -> None:
        """Nothing more comes, because of an error or because the theme is over."""
        ...


S = TypeVar("S", bound=Subscriber)


class Teller(Protocol[S]):
    """What a group has in common: decides, executes and encodes on behalf of all its members."""

    def may_regroup(self, entry: Entry) -> bool:
        """Whether the entry may make members unequal."""
        ...

    async def regroup(self, members: Sequence[S]) -> tuple[Hashable, Sequence[S]]:
        """Look again: the key of the members that this teller goes on to speak for, and who the others are."""
        ...

    async def tell(self, entry: Entry, positions: Positions, speaker: S, *, again: bool) -> tuple[Any, bool]:
        """
        What members are told of the entry, or None, and whether it is the last; the speaker is one of them. Raises `Unsure` when that
        depends on rights that may have changed, unless it is asked `again`.
        """
        ...


class Unsure(Exception):
    """Rights must be looked at before this can be told."""


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

    def __init__(self, groups: "Groups[S]", key: Hashable, teller: Teller[S], positions: Positions) -> None:
        self._groups = groups
        self._teller = teller
        self._waiting: deque[Entry] = deque()
        self._look = False
        self.key = key
        self.positions = positions
        self.seats: dict[S, Seat[S]] = {}
        self.stop: Callable[[], object] | None = None

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
            if self.stop:
                self.stop()

    async def run(self) -> None:
        """Tell the members what happens, until there are none."""
        while self.seats:
            async with self._groups.hub.listen() as listener:
                self._waiting.clear()
                try:
                    for stream, after in self.positions.items():
                        await listener.add(stream, after)
                    async for entry in listener:
                        self._waiting.append(entry)
                        self._look |= self._teller.may_regroup(entry)
                        await self._tell_waiting(listener)
                    return  # the hub has closed
                except SubscriptionLagged:
                    continue  # the group is slow: from the log, then
                except Exception as error:  # noqa: BLE001 (the rim of a group: its members are told, and a bug is logged there)
                    self._end_all(error)

    async def _tell_waiting(self, listener: Listener) -> None:
        told = 0
        while self._waiting:
            while len(self._waiting) < _LOOKED_AT and (entry := listener.take()) is not None:
                self._waiting.append(entry)
                self._look |= self._teller.may_regroup(entry)
            if self._look:
                await self._regroup()
                if not self.seats:
                    return
            if await self._tell(self._waiting[0]):
                told += 1
            self._waiting.popleft()
            if told >= IN_A_ROW:
                told = 0
                await self._groups.breathe()
        await self._groups.breathe()

    async def _tell(self, entry: Entry) -> bool:
        """Tell one entry; whether there was anything to tell."""
        after = self.positions | {entry.stream: entry.position}
        try:
            told, last = await self._teller.tell(entry, after, next(iter(self.seats)), again=False)
        except Unsure:
            await self._regroup()
            if not self.seats:
                return False
            told, last = await self._teller.tell(entry, after, next(iter(self.seats)), again=True)
        self.positions = after
        for seat in list(self.seats.values()):
            if seat.ahead is not None and self._had(seat, entry):
                continue
            if told is not None:
                seat.subscriber.tell(told, seat.own_position)
        if last:
            self._end_all(None)
        return told is not None

    def _had(self, seat: Seat[S], entry: Entry) -> bool:
        """Whether a seat that was ahead has been told the entry; no seat is ahead for long."""
        assert seat.ahead is not None
        had = entry.position <= seat.ahead.get(entry.stream, 0)
        seat.ahead = {stream: at for stream, at in seat.ahead.items() if at > self.positions[stream]} or None
        return had

    async def _regroup(self) -> None:
        """Learn who is still equal, and let the others go on alone."""
        self._look = False
        key, others = await self._teller.regroup(list(self.seats))
        for subscriber in others:
            if seat := self.seats.get(subscriber):
                seat.go_alone()
        if key != self.key and self.seats:
            self._groups.rename(self, key)

    def _end_all(self, error: Exception | None) -> None:
        for seat in list(self.seats.values()):
            seat.leave()
            seat.subscriber.end(error)


class Groups(Generic[S]):
    """All groups of a process."""

    def __init__(self, hub: Hub, tasks: OwnedTasks, *, breathe: Callable[[], Awaitable[object]]) -> None:
        """`breathe`: waits until what was said is on its way."""
        self.hub = hub
        self.breathe = breathe
        self._tasks = tasks
        self._groups: dict[Hashable, Group[S]] = {}

    def __len__(self) -> int:
        return len(self._groups)

    def join(self, key: Hashable, subscriber: S, positions: Positions, teller: Callable[[], Teller[S]]) -> Seat[S]:
        """
        A seat in the group with this key, made when there is none, for somebody who has been told everything that the feeds of his
        streams have handed on.
        """
        group = self._groups.get(key)
        streams = {stream: at for stream, at in positions.items() if stream != subscriber.own}
        if group is None or group.positions.keys() != streams.keys():
            group = self._groups[key] = Group(self, key, teller(), streams)
            group.stop = self._tasks.start(group.run(), "group")
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
