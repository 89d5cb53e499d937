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

from domain.document.update import LoggedUpdate, from_entry, to_entry
from domain.errors import CursorExpired, DomainError, NotFound, SubscriptionLagged, Unavailable
from realtime.announcements import EphemeralMessage, PubSub
from realtime.background_tasks import BackgroundTasks
from realtime.backoff import jitter
from realtime.collaboration import presence_messages
from realtime.collaboration.access import AccessLookup, DocumentRight, may_affect_rights, rights_stream, saved_version_id
from realtime.collaboration.commit import GroupCommitter
from realtime.collaboration.compaction_queue import CompactionQueue
from realtime.collaboration.entry_batches import batch_by_stream
from realtime.collaboration.messages import AwarenessState
from realtime.collaboration.participant import AwarenessUpdate, Participant
from realtime.collaboration.presence import Presence
from realtime.collaboration.room import Room
from realtime.collaboration.snapshots import DocumentLog, SnapshotStore, load
from realtime.collaboration.timings import RoomTimings
from realtime.hub import StreamHub
from realtime.listener import StreamListener
from transport.write_batch import WriteBatch

logger = logging.getLogger(__name__)


class Rooms:
    """The rooms of one process."""

    def __init__(
        self,
        *,
        hub: StreamHub,
        pubsub: PubSub,
        log: DocumentLog,
        snapshots: SnapshotStore,
        access: AccessLookup,
        timings: RoomTimings,
    ) -> None:
        self._hub = hub
        self._pubsub = pubsub
        self._log = log
        self._snapshots = snapshots
        self.split_update = snapshots.split_update
        self.load = partial(load, snapshots, log)
        self._look_up_access = access
        self._timings = timings
        self._committer = GroupCommitter(log, interval_seconds=timings.commit_interval_seconds)
        self._rooms: dict[UUID, Room] = {}
        self._opening: dict[UUID, asyncio.Future[Room]] = {}
        self._rechecking: set[Room] = set()
        self._compactions = CompactionQueue(snapshots)
        self._tasks = BackgroundTasks()
        self._sender_id, self._closed = uuid4().hex, False
        self.write_batch = WriteBatch()

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        *,
        hub: StreamHub,
        pubsub: PubSub,
        log: DocumentLog,
        snapshots: SnapshotStore,
        access: AccessLookup,
        timings: RoomTimings | None = None,
    ) -> AsyncIterator[Self]:
        """Rooms over open services; at the end everybody must leave, and what was taken is committed first."""
        rooms = cls(hub=hub, pubsub=pubsub, log=log, snapshots=snapshots, access=access, timings=timings or RoomTimings())
        rooms._tasks.supervise(rooms._committer.run(), "rooms: commit")
        rooms._tasks.supervise(rooms._sweep(), "rooms: sweep")
        try:
            yield rooms
        finally:
            rooms._closed = True
            for room in list(rooms._rooms.values()):
                room.disconnect_all(None)
            await rooms._tasks.cancel_all()
            while rooms._committer.has_pending:
                await rooms._committer.commit()

    def start(self, coroutine: Coroutine[Any, Any, None], name: str) -> None:
        """Let work go on for as long as the rooms are open."""
        self._tasks.start(coroutine, name)

    # Coming and going.

    @asynccontextmanager
    async def room(self, document_id: UUID) -> AsyncIterator[Room]:
        """The room of a document, which stays open for the length of the block. Raises `Unavailable`, `NotFound`."""
        while True:
            room = await self._get_or_open(document_id)
            if self._rooms.get(document_id) is room:
                break
        room.reference_count += 1
        try:
            yield room
        finally:
            room.reference_count -= 1
            room.idle_since = _now()

    async def join(self, room: Room, participant: Participant, *, max_right: DocumentRight) -> DocumentRight:
        """
        Let a visitor into a room: from now on he gets what happens there, until `let_out` or until he is told to leave.

        Raises `NotFound` for whom the document is not there, `Unavailable`.
        """
        # He is there before his rights are looked up: a change in between finds him.
        room.participants.add(participant)
        try:
            right = (await self.get_rights(room.document_id, [participant.user_id])).get(participant.user_id)
            if right is None or participant not in room.participants:
                raise NotFound
        except BaseException:
            room.participants.discard(participant)
            raise
        participant.right = min(right, max_right)
        return participant.right

    def leave(self, room: Room, participant: Participant) -> None:
        """A visitor has gone."""
        room.participants.discard(participant)
        self._publish_awareness(room, participant.user_id, room.awareness.remove_participant(participant))

    async def get_rights(self, document_id: UUID, user_ids: Sequence[UUID]) -> dict[UUID, DocumentRight]:
        """What users may do with a document. Raises `Unavailable`."""
        standing = await self._look_up_access(document_id, user_ids)
        return dict(standing.rights) if standing else {}

    # Peers.

    def update_awareness(
        self, room: Room, states: Sequence[AwarenessState], user_id: UUID, participant: Participant | None
    ) -> None:
        """A user's client tells of its peers."""
        self._publish_awareness(room, user_id, room.awareness.update(states, user_id, participant, _now()))

    def _publish_awareness(self, room: Room, user_id: UUID, states: Sequence[AwarenessState]) -> None:
        room.broadcast_awareness(AwarenessUpdate(states))
        if states and not self._pubsub.is_single_process:
            self._pubsub.publish(presence_messages.encode_states(room.stream, self._sender_id, user_id, states))

    def _on_presence_message(self, room: Room, message: EphemeralMessage) -> None:
        if message.sender_id == self._sender_id:
            return
        if presence_messages.is_query(message):
            for user_id, peer in room.awareness.local_states():
                self._pubsub.publish(presence_messages.encode_states(room.stream, self._sender_id, user_id, [peer]))
        elif (told := presence_messages.decode_states(message)) is not None:
            room.broadcast_awareness(AwarenessUpdate(room.awareness.update(told[1], told[0], None, _now())))

    async def presences(self, document_ids: Sequence[UUID]) -> list[Sequence[Presence]]:
        """Who is in documents, as far as this process has heard; where it has no room, rooms elsewhere are asked for a moment."""
        if not self._pubsub.is_single_process:
            unheard = [each for each in dict.fromkeys(document_ids) if each not in self._rooms][
                : presence_messages.MAX_QUERIED_DOCUMENTS
            ]
            answers = await asyncio.gather(*map(self._get_or_open, unheard), return_exceptions=True)
            if any(isinstance(each, Room) for each in answers):
                await asyncio.sleep(self._timings.presence_wait_seconds)
        return [room.awareness.presences() if (room := self._rooms.get(each)) else () for each in document_ids]

    # What rooms need (`realtime.collaboration.room.Outside`).

    def submit(self, room: Room) -> None:
        """There is something to commit."""
        self._committer.submit(room)

    def announce(self, room: Room, updates: Sequence[LoggedUpdate]) -> None:
        """These were committed here: the hub need not hand them to the room, and others hear of them."""
        self._hub.mark_delivered(room.stream, updates[0].position, updates[-1].position)
        if not self._pubsub.is_single_process:
            for update in updates:
                self._pubsub.publish(to_entry(update))

    def notify_head(self, stream: str, position: int) -> None:
        """The log has come this far."""
        self._hub.notify_head(stream, position)

    # Opening, following, closing.

    async def _get_or_open(self, document_id: UUID) -> Room:
        if room := self._rooms.get(document_id):
            return room
        if self._closed:
            raise Unavailable
        if (opening := self._opening.get(document_id)) is None:
            opening = self._opening[document_id] = asyncio.get_running_loop().create_future()
            room = Room(document_id, self, now=_now())
            room.close = self._tasks.start(self._run_room(room, opening), f"room {document_id}")
        # Shielded: others wait for it too.
        return await asyncio.shield(opening)

    async def _run_room(self, room: Room, opening: asyncio.Future[Room]) -> None:
        """A room from its opening to its end."""
        try:
            while not self._closed:
                try:
                    async with self._hub.listen() as listener:
                        await self._subscribe(room, listener, first=not opening.done())
                        if not opening.done():
                            self._rooms[room.document_id] = room
                            opening.set_result(room)
                            del self._opening[room.document_id]
                        else:
                            self._schedule_recheck(room)
                        await self._follow(room, listener)
                        return
                except (SubscriptionLagged, Unavailable) as error:
                    if not opening.done():
                        raise
                    logger.info("Room %s listens again: %s", room.document_id, error)
                    await asyncio.sleep(self._timings.retry_seconds)
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
            self._close_room(room)
            room.disconnect_all(Unavailable())

    async def _subscribe(self, room: Room, listener: StreamListener, *, first: bool) -> None:
        standing = await self._look_up_access(room.document_id, ())
        if standing is None:
            raise NotFound
        room.access = standing
        await listener.add(rights_stream(standing))
        if not first:
            await listener.add(room.stream, room.position)
            return
        room.position = await listener.add(room.stream)
        self._hub.ephemeral_handlers[room.stream] = lambda whisper: self._on_presence_message(room, whisper)
        if not self._pubsub.is_single_process:
            self._pubsub.publish(presence_messages.query(room.stream, self._sender_id))

    async def _follow(self, room: Room, listener: StreamListener) -> None:
        """Hand the room what its streams tell."""
        async for first in listener:
            for run in batch_by_stream(first, listener.get_nowait):
                if run[0].stream == room.stream:
                    room.receive_committed([from_entry(entry) for entry in run])
                elif any(may_affect_rights(entry, room.document_id) for entry in run):
                    self._schedule_recheck(room)
                for version_id in filter(None, (saved_version_id(entry, room.document_id) for entry in run)):
                    room.on_version_saved(version_id)
            if room.access and (team := rights_stream(room.access)) not in listener.positions:
                for stream in listener.positions.keys() - {room.stream}:
                    listener.discard(stream)
                await listener.add(team)
                self._schedule_recheck(room)

    # Rights, again.

    def _schedule_recheck(self, room: Room) -> None:
        room.needs_recheck = True
        if room not in self._rechecking:
            self._rechecking.add(room)
            self._tasks.start(self._recheck_rights(room), f"room {room.document_id}: rights")

    async def _recheck_rights(self, room: Room) -> None:
        try:
            while room.needs_recheck:
                room.needs_recheck = False
                try:
                    standing = await self._look_up_access(room.document_id, {each.user_id for each in room.participants})
                except Unavailable:
                    room.needs_recheck = True
                    await asyncio.sleep(jitter(self._timings.retry_seconds))
                else:
                    room.apply_rights(standing)
        finally:
            self._rechecking.discard(room)

    # The timer.

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(self._timings.sweep_interval_seconds)
            now = _now()
            for room in list(self._rooms.values()):
                room.broadcast_awareness(AwarenessUpdate(room.awareness.expire(now)))
                left = not room.participants and not room.reference_count
                if room.edited_at is not None and (left or room.edited_at < now - self._timings.compact_after_seconds):
                    room.edited_at = None
                    self._tasks.start(self._compactions.compact(room), f"room {room.document_id}: settle")
                elif left and not room.is_busy and room.idle_since < now - self._timings.close_after_seconds:
                    # Whoever comes from now on opens another.
                    self._close_room(room)
                    room.close()

    def _close_room(self, room: Room) -> None:
        if self._rooms.get(room.document_id) is room:
            del self._rooms[room.document_id]
            self._hub.ephemeral_handlers.pop(room.stream, None)


def _now() -> float:
    return asyncio.get_running_loop().time()
