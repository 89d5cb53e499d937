"""All rooms of a process: opened for whoever comes first, closed some time after the last has left.

A room listens to two streams through the hub: its document's edits, and its team's, which tells of changed rights. It listens
first and reads second, so nothing falls between. A listener that broke is replaced by one that goes on where the room is; only
when the log no longer reaches back that far must the visitors come back and ask for what they miss.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Self
from uuid import UUID, uuid4

from domain.document.update import LoggedUpdate, announced, announcement
from domain.errors import CursorExpired, DomainError, NotFound, SubscriptionLagged, Unavailable
from realtime.announcements import Live, Whisper
from realtime.background_tasks import OwnedTasks
from realtime.backoff import spread
from realtime.collaboration import presence_messages
from realtime.collaboration.access import Access, Right, may_change, saved_version, watched
from realtime.collaboration.commit import Committer
from realtime.collaboration.compaction_queue import Settling
from realtime.collaboration.entry_batches import neighbours
from realtime.collaboration.messages import Peer
from realtime.collaboration.participant import News, Visitor
from realtime.collaboration.presence import Presence
from realtime.collaboration.room import Room
from realtime.collaboration.snapshots import Archive, Log, load
from realtime.collaboration.timings import Pace
from realtime.hub import Hub
from realtime.listener import Listener
from transport.write_batch import Burst

logger = logging.getLogger(__name__)


class Rooms:
    """The rooms of one process."""

    def __init__(self, *, hub: Hub, live: Live, log: Log, archive: Archive, access: Access, pace: Pace) -> None:
        self._hub = hub
        self._live = live
        self._log = log
        self._archive = archive
        self.parted = archive.split_update
        self.load = partial(load, archive, log)
        self._access = access
        self._pace = pace
        self._committer = Committer(log, tick=pace.tick)
        self._rooms: dict[UUID, Room] = {}
        self._opening: dict[UUID, asyncio.Future[Room]] = {}
        self._rechecking: set[Room] = set()
        self._settling = Settling(archive)
        self._tasks = OwnedTasks()
        self._teller, self._closed = uuid4().hex, False
        self.burst = Burst()

    @classmethod
    @asynccontextmanager
    async def open(
        cls, *, hub: Hub, live: Live, log: Log, archive: Archive, access: Access, pace: Pace | None = None
    ) -> AsyncIterator[Self]:
        """Rooms over open services; at the end everybody must leave, and what was taken is committed first."""
        rooms = cls(hub=hub, live=live, log=log, archive=archive, access=access, pace=pace or Pace())
        rooms._tasks.start(rooms._committer.run(), "rooms: commit")
        rooms._tasks.start(rooms._sweep(), "rooms: sweep")
        try:
            yield rooms
        finally:
            rooms._closed = True
            for room in list(rooms._rooms.values()):
                room.send_away(None)
            await rooms._tasks.end()
            while rooms._committer.is_waiting:
                await rooms._committer.commit()

    def start(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Let work go on for as long as the rooms are open."""
        self._tasks.start(work, name)

    # Coming and going.

    @asynccontextmanager
    async def room(self, document_id: UUID) -> AsyncIterator[Room]:
        """The room of a document, which stays open for the length of the block. Raises `Unavailable`, `NotFound`."""
        while True:
            room = await self._opened(document_id)
            if self._rooms.get(document_id) is room:
                break
        room.holds += 1
        try:
            yield room
        finally:
            room.holds -= 1
            room.idle_since = _now()

    async def let_in(self, room: Room, visitor: Visitor, *, at_most: Right) -> Right:
        """
        Let a visitor into a room: from now on he gets what happens there, until `let_out` or until he is told to leave.

        Raises `NotFound` for whom the document is not there, `Unavailable`.
        """
        # He is there before his rights are looked up: a change in between finds him.
        room.visitors.add(visitor)
        try:
            right = (await self.rights(room.document_id, [visitor.user_id])).get(visitor.user_id)
            if right is None or visitor not in room.visitors:
                raise NotFound
        except BaseException:
            room.visitors.discard(visitor)
            raise
        visitor.right = min(right, at_most)
        return visitor.right

    def let_out(self, room: Room, visitor: Visitor) -> None:
        """A visitor has gone."""
        room.visitors.discard(visitor)
        self._tell_peers(room, visitor.user_id, room.peers.leave(visitor))

    async def rights(self, document_id: UUID, user_ids: Sequence[UUID]) -> dict[UUID, Right]:
        """What users may do with a document. Raises `Unavailable`."""
        standing = await self._access(document_id, user_ids)
        return dict(standing.rights) if standing else {}

    # Peers.

    def hear_peers(self, room: Room, told: Sequence[Peer], user_id: UUID, visitor: Visitor | None) -> None:
        """A user's client tells of its peers."""
        self._tell_peers(room, user_id, room.peers.tell(told, user_id, visitor, _now()))

    def _tell_peers(self, room: Room, user_id: UUID, news: Sequence[Peer]) -> None:
        room.meet(News(news))
        if news and not self._live.alone:
            self._live.tell(presence_messages.of_peers(room.stream, self._teller, user_id, news))

    def _overhear(self, room: Room, whisper: Whisper) -> None:
        if whisper.teller == self._teller:
            return
        if presence_messages.asks(whisper):
            for user_id, peer in room.peers.here():
                self._live.tell(presence_messages.of_peers(room.stream, self._teller, user_id, [peer]))
        elif (told := presence_messages.peers(whisper)) is not None:
            room.meet(News(room.peers.tell(told[1], told[0], None, _now())))

    async def presences(self, document_ids: Sequence[UUID]) -> list[Sequence[Presence]]:
        """Who is in documents, as far as this process has heard; where it has no room, rooms elsewhere are asked for a moment."""
        if not self._live.alone:
            unheard = [each for each in dict.fromkeys(document_ids) if each not in self._rooms][: presence_messages.ASKED_AT_ONCE]
            answers = await asyncio.gather(*map(self._opened, unheard), return_exceptions=True)
            if any(isinstance(each, Room) for each in answers):
                await asyncio.sleep(self._pace.answers)
        return [room.peers.presences() if (room := self._rooms.get(each)) else () for each in document_ids]

    # What rooms need (`realtime.collaboration.room.Outside`).

    def submit(self, room: Room) -> None:
        """There is something to commit."""
        self._committer.submit(room)

    def announce(self, room: Room, updates: Sequence[LoggedUpdate]) -> None:
        """These were committed here: the hub need not hand them to the room, and others hear of them."""
        self._hub.know(room.stream, updates[0].position, updates[-1].position)
        if not self._live.alone:
            for update in updates:
                self._live.tell(announcement(update))

    def urge(self, stream: str, position: int) -> None:
        """The log has come this far."""
        self._hub.urge(stream, position)

    # Opening, following, closing.

    async def _opened(self, document_id: UUID) -> Room:
        if room := self._rooms.get(document_id):
            return room
        if self._closed:
            raise Unavailable
        if (opening := self._opening.get(document_id)) is None:
            opening = self._opening[document_id] = asyncio.get_running_loop().create_future()
            room = Room(document_id, self, now=_now())
            room.close = self._tasks.start(self._live_through(room, opening), f"room {document_id}")
        # Shielded: others wait for it too.
        return await asyncio.shield(opening)

    async def _live_through(self, room: Room, opening: asyncio.Future[Room]) -> None:
        """A room from its opening to its end."""
        try:
            while not self._closed:
                try:
                    async with self._hub.listen() as listener:
                        await self._tune_in(room, listener, first=not opening.done())
                        if not opening.done():
                            self._rooms[room.document_id] = room
                            opening.set_result(room)
                            del self._opening[room.document_id]
                        else:
                            self._recheck(room)
                        await self._follow(room, listener)
                        return
                except (SubscriptionLagged, Unavailable) as error:
                    if not opening.done():
                        raise
                    logger.info("Room %s listens again: %s", room.document_id, error)
                    await asyncio.sleep(self._pace.again)
        except DomainError as error:
            if not opening.done():
                opening.set_exception(error)
                opening.exception()  # counts as seen, also when nobody waits any more
            elif isinstance(error, CursorExpired):
                room.send_away(error)
        finally:
            if not opening.done():
                opening.cancel()
            if self._opening.get(room.document_id) is opening:
                del self._opening[room.document_id]
            self._take_down(room)
            room.send_away(Unavailable())

    async def _tune_in(self, room: Room, listener: Listener, *, first: bool) -> None:
        standing = await self._access(room.document_id, ())
        if standing is None:
            raise NotFound
        room.standing = standing
        await listener.add(watched(standing))
        if not first:
            await listener.add(room.stream, room.position)
            return
        room.position = await listener.add(room.stream)
        self._hub.whispered[room.stream] = lambda whisper: self._overhear(room, whisper)
        if not self._live.alone:
            self._live.tell(presence_messages.question(room.stream, self._teller))

    async def _follow(self, room: Room, listener: Listener) -> None:
        """Hand the room what its streams tell."""
        async for first in listener:
            for run in neighbours(first, listener.take):
                if run[0].stream == room.stream:
                    room.heard([announced(entry) for entry in run])
                elif any(may_change(entry, room.document_id) for entry in run):
                    self._recheck(room)
                for version_id in filter(None, (saved_version(entry, room.document_id) for entry in run)):
                    room.saved(version_id)
            if room.standing and (team := watched(room.standing)) not in listener.positions:
                for stream in listener.positions.keys() - {room.stream}:
                    listener.discard(stream)
                await listener.add(team)
                self._recheck(room)

    # Rights, again.

    def _recheck(self, room: Room) -> None:
        room.is_doubtful = True
        if room not in self._rechecking:
            self._rechecking.add(room)
            self._tasks.start(self._look_again(room), f"room {room.document_id}: rights")

    async def _look_again(self, room: Room) -> None:
        try:
            while room.is_doubtful:
                room.is_doubtful = False
                try:
                    standing = await self._access(room.document_id, {each.user_id for each in room.visitors})
                except Unavailable:
                    room.is_doubtful = True
                    await asyncio.sleep(spread(self._pace.again))
                else:
                    room.judge(standing)
        finally:
            self._rechecking.discard(room)

    # The timer.

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(self._pace.sweep)
            now = _now()
            for room in list(self._rooms.values()):
                room.meet(News(room.peers.expire(now)))
                left = not room.visitors and not room.holds
                if room.edited_at is not None and (left or room.edited_at < now - self._pace.quiet):
                    room.edited_at = None
                    self._tasks.start(self._settling.settle(room), f"room {room.document_id}: settle")
                elif left and not room.is_busy and room.idle_since < now - self._pace.linger:
                    # Whoever comes from now on opens another.
                    self._take_down(room)
                    room.close()

    def _take_down(self, room: Room) -> None:
        if self._rooms.get(room.document_id) is room:
            del self._rooms[room.document_id]
            self._hub.whispered.pop(room.stream, None)


def _now() -> float:
    return asyncio.get_running_loop().time()
