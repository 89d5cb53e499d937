"""Lets participants into rooms, and checks their rights again whenever these may have changed.

Changes of rights come through the team's stream. Where several processes share the documents an announcement may be lost, so the
streams of all rooms are compared with the log every `rights_check_seconds`: whoever was removed gets live edits for no longer
than that.
"""

import asyncio
import logging
from collections.abc import Collection, Sequence
from uuid import UUID

from domain.errors import NotFound
from realtime.background_tasks import BackgroundTasks
from realtime.backoff import jitter
from realtime.collaboration.access import AccessLookup, DocumentAccess, DocumentRight, rights_stream
from realtime.collaboration.participant import Participant
from realtime.collaboration.presence_channel import PresenceChannel
from realtime.collaboration.room import Room
from realtime.hub import StreamHub

logger = logging.getLogger(__name__)


class Membership:
    """Who is in the rooms of a process, and with which rights."""

    def __init__(
        self, look_up: AccessLookup, presence: PresenceChannel, hub: StreamHub, tasks: BackgroundTasks, *, retry_seconds: float
    ) -> None:
        self._look_up = look_up
        self._presence = presence
        self._hub = hub
        self._tasks = tasks
        self._retry_seconds = retry_seconds
        self._rechecking: set[Room] = set()

    async def join(self, room: Room, participant: Participant, *, max_right: DocumentRight) -> DocumentRight:
        """
        Let a participant into a room: from now on they get what happens there, until `leave` or until they are removed.

        Raises `NotFound` for whom the document does not exist, `Unavailable`.
        """
        # Added before the rights are looked up: a change in between finds the participant.
        room.participants.add(participant)
        try:
            right = (await self.rights(room.document_id, [participant.user_id])).get(participant.user_id)
            if right is None or participant not in room.participants:
                raise NotFound
        except BaseException:
            room.participants.discard(participant)
            raise
        participant.right = min(right, max_right)
        return participant.right

    def leave(self, room: Room, participant: Participant) -> None:
        """A participant has left."""
        room.participants.discard(participant)
        self._presence.remove(room, participant)

    async def access(self, document_id: UUID) -> DocumentAccess | None:
        """The document's team; None where there is no such document. Raises `Unavailable`."""
        return await self._look_up(document_id, ())

    async def rights(self, document_id: UUID, user_ids: Sequence[UUID]) -> dict[UUID, DocumentRight]:
        """What users may do with a document. Raises `Unavailable`."""
        access = await self._look_up(document_id, user_ids)
        return dict(access.rights) if access else {}

    def schedule_recheck(self, room: Room) -> None:
        """Look up the rights of everybody in a room again."""
        room.needs_recheck = True
        room.broadcast.hold_back()
        if room not in self._rechecking:
            self._rechecking.add(room)
            self._tasks.start(self._recheck(room), f"room {room.document_id}: rights")

    async def check_streams(self, rooms: Collection[Room]) -> None:
        """Compare the streams that announce changes of these rooms' rights with the log. Raises `Unavailable`."""
        await self._hub.check_streams({rights_stream(room.access) for room in rooms if room.access and room.participants})

    async def _recheck(self, room: Room) -> None:
        try:
            while room.needs_recheck:
                room.needs_recheck = False
                try:
                    access = await self._look_up(room.document_id, {each.user_id for each in room.participants})
                except Exception as error:  # whatever it is: rights must be looked up in the end
                    logger.warning("The rights in %s cannot be looked up now.", room.document_id, exc_info=error)
                    room.needs_recheck = True
                    await asyncio.sleep(jitter(self._retry_seconds))
                else:
                    room.apply_rights(access)
            room.broadcast.release()
        finally:
            self._rechecking.discard(room)
