"""Opens a room for whoever comes first, follows its streams, and closes it some time after the last participant left.

A room listens to two streams through the hub: its document's edits, and its team's, which announces changes of rights. It listens
first and reads second, so nothing is missed in between. A listener that broke is replaced by one that goes on where the room is;
only when the log no longer reaches back that far must the participants come back and synchronize.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Final
from uuid import UUID

from domain.document.update import from_entry
from domain.errors import CursorExpired, DomainError, NotFound, SubscriptionLagged, Unavailable
from domain.events import Entry
from realtime.background_tasks import BackgroundTasks
from realtime.collaboration.access import may_affect_rights, rights_stream, saved_version_id
from realtime.collaboration.membership import Membership
from realtime.collaboration.presence_channel import PresenceChannel
from realtime.collaboration.room import Room
from realtime.collaboration.room_host import RoomHost
from realtime.hub import StreamHub
from realtime.listener import StreamListener

logger = logging.getLogger(__name__)

MAX_BATCH_ENTRIES: Final = 500


class RoomRegistry:
    """The open rooms of a process."""

    def __init__(
        self,
        hub: StreamHub,
        host: RoomHost,
        membership: Membership,
        presence: PresenceChannel,
        tasks: BackgroundTasks,
        *,
        retry_seconds: float,
    ) -> None:
        self._hub = hub
        self._host = host
        self._membership = membership
        self._presence = presence
        self._tasks = tasks
        self._retry_seconds = retry_seconds
        self._opening: dict[UUID, asyncio.Future[Room]] = {}
        self._is_closed = False
        self.rooms: dict[UUID, Room] = {}

    @asynccontextmanager
    async def room(self, document_id: UUID) -> AsyncIterator[Room]:
        """The room of a document, which stays open for the length of the block. Raises `Unavailable`, `NotFound`."""
        while True:
            room = await self.get_or_open(document_id)
            if self.rooms.get(document_id) is room:
                break
        room.reference_count += 1
        try:
            yield room
        finally:
            room.reference_count -= 1
            room.idle_since = asyncio.get_running_loop().time()

    async def get_or_open(self, document_id: UUID) -> Room:
        """The room of a document, which may be closed at any time. Raises `Unavailable`, `NotFound`."""
        if room := self.rooms.get(document_id):
            return room
        if self._is_closed:
            raise Unavailable
        if (opening := self._opening.get(document_id)) is None:
            loop = asyncio.get_running_loop()
            opening = self._opening[document_id] = loop.create_future()
            room = Room(document_id, self._host, now=loop.time())
            room.close = self._tasks.start(self._run_room(room, opening), f"room {document_id}")
        # Shielded: others wait for it too.
        return await asyncio.shield(opening)

    def close_room(self, room: Room) -> None:
        """Close a room that nobody is in; whoever comes from now on opens another."""
        self._forget(room)
        room.close()

    def close_all(self) -> None:
        """Remove everybody; no room is opened any more."""
        self._is_closed = True
        for room in list(self.rooms.values()):
            room.disconnect_all(None)

    async def _run_room(self, room: Room, opening: asyncio.Future[Room]) -> None:
        """Run a room from its opening to its end."""
        try:
            while not self._is_closed:
                try:
                    async with self._hub.listen() as listener:
                        await self._subscribe(room, listener, first=not opening.done())
                        if not opening.done():
                            self.rooms[room.document_id] = room
                            opening.set_result(room)
                            del self._opening[room.document_id]
                        else:
                            self._membership.schedule_recheck(room)
                        await self._follow(room, listener)
                        return
                except (SubscriptionLagged, Unavailable) as error:
                    if not opening.done():
                        raise
                    logger.info("Room %s subscribes again: %s", room.document_id, error)
                    await asyncio.sleep(self._retry_seconds)
        except DomainError as error:
            if not opening.done():
                opening.set_exception(error)
                opening.exception()  # counts as seen, also when nobody waits any more
            elif isinstance(error, CursorExpired):
                room.disconnect_all(error)
        finally:
            if not opening.done():
                opening.cancel()
            if self._opening.get(room.document_id) is opening:
                del self._opening[room.document_id]
            self._forget(room)
            room.disconnect_all(Unavailable())

    async def _subscribe(self, room: Room, listener: StreamListener, *, first: bool) -> None:
        access = await self._membership.access(room.document_id)
        if access is None:
            raise NotFound
        room.access = access
        await listener.add(rights_stream(access))
        if not first:
            await listener.add(room.stream, room.position)
            return
        room.position = await listener.add(room.stream)
        self._hub.ephemeral_handlers[room.stream] = lambda message: self._presence.receive(room, message)
        self._presence.query(room)

    async def _follow(self, room: Room, listener: StreamListener) -> None:
        """Hand the room the entries of its streams."""
        async for first in listener:
            for batch in batch_by_stream(first, listener.get_nowait):
                if batch[0].stream == room.stream:
                    room.receive_committed([from_entry(entry) for entry in batch])
                elif any(may_affect_rights(entry, room.document_id) for entry in batch):
                    self._membership.schedule_recheck(room)
                for version_id in filter(None, (saved_version_id(entry, room.document_id) for entry in batch)):
                    room.on_version_saved(version_id)
            if room.access and (team := rights_stream(room.access)) not in listener.positions:
                for stream in listener.positions.keys() - {room.stream}:
                    listener.discard(stream)
                await listener.add(team)
                self._membership.schedule_recheck(room)

    def _forget(self, room: Room) -> None:
        if self.rooms.get(room.document_id) is room:
            del self.rooms[room.document_id]
            self._hub.ephemeral_handlers.pop(room.stream, None)


def batch_by_stream(first: Entry, get_next: Callable[[], Entry | None]) -> Iterator[list[Entry]]:
    """
    The first entry and all that wait behind it, in order: batches of one stream, of at most `MAX_BATCH_ENTRIES`.

    `get_next` gives the next waiting entry, None where none waits. Edits of another process come one by one, and leave merged.
    """
    batch = [first]
    while (entry := get_next()) is not None:
        if entry.stream != batch[0].stream or len(batch) == MAX_BATCH_ENTRIES:
            yield batch
            batch = []
        batch.append(entry)
    yield batch
