"""Shares the awareness of rooms: with everybody in the room, and with rooms of the same document in other processes.

Messages between processes are ephemeral: they are never logged, and one that is lost costs a cursor that is a moment old. A
process that opens a room asks the others who is there.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final
from uuid import UUID, uuid4

from realtime.announcements import EphemeralMessage, PubSub
from realtime.collaboration.messages import AwarenessState
from realtime.collaboration.participant import Participant
from realtime.collaboration.presence import Presence
from realtime.collaboration.room import Room

logger = logging.getLogger(__name__)

MAX_QUERIED_DOCUMENTS: Final = 20  # without a room here, about which other processes are asked at once


class PresenceChannel:
    """The awareness of all rooms of a process; `sender_id` is random for each process, since senders receive their own
    messages."""

    def __init__(self, pubsub: PubSub, *, wait_seconds: float) -> None:
        self._pubsub = pubsub
        self._wait_seconds = wait_seconds
        self._sender_id = uuid4().hex

    def update(self, room: Room, states: Sequence[AwarenessState], user_id: UUID, participant: Participant | None) -> None:
        """Apply and share the states that a user's client sent."""
        self._share(room, user_id, room.awareness.update(states, user_id, participant, asyncio.get_running_loop().time()))

    def remove(self, room: Room, participant: Participant) -> None:
        """Remove and share the removal of the clients of a participant who left."""
        self._share(room, participant.user_id, room.awareness.remove_participant(participant))

    def query(self, room: Room) -> None:
        """Ask other processes who is in the document."""
        if not self._pubsub.is_single_process:
            self._pubsub.publish(EphemeralMessage(stream=room.stream, sender_id=self._sender_id, payload={"ask": True}))

    def receive(self, room: Room, message: EphemeralMessage) -> None:
        """Apply or answer a message of another process."""
        if message.sender_id == self._sender_id:
            return
        if "ask" in message.payload:
            for user_id, state in room.awareness.local_states():
                self._pubsub.publish(encode_states(room.stream, self._sender_id, user_id, [state]))
        elif (received := decode_states(message)) is not None:
            user_id, states = received
            changed = room.awareness.update(states, user_id, None, asyncio.get_running_loop().time())
            room.changed_awareness.add(changed)

    async def presences(
        self, document_ids: Sequence[UUID], rooms: Mapping[UUID, Room], open_room: Callable[[UUID], Awaitable[Room]]
    ) -> list[Sequence[Presence]]:
        """Who is in each document, as far as this process knows; where it has no room, one is opened, and others have a moment to
        answer."""
        if not self._pubsub.is_single_process:
            unknown = [each for each in dict.fromkeys(document_ids) if each not in rooms][:MAX_QUERIED_DOCUMENTS]
            opened = await asyncio.gather(*map(open_room, unknown), return_exceptions=True)
            if any(isinstance(each, Room) for each in opened):
                await asyncio.sleep(self._wait_seconds)
        return [room.awareness.presences() if (room := rooms.get(each)) else () for each in document_ids]

    def _share(self, room: Room, user_id: UUID, states: Sequence[AwarenessState]) -> None:
        room.changed_awareness.add(states)
        if states and not self._pubsub.is_single_process:
            self._pubsub.publish(encode_states(room.stream, self._sender_id, user_id, states))


def encode_states(stream: str, sender_id: str, user_id: UUID, states: Sequence[AwarenessState]) -> EphemeralMessage:
    """The awareness states of a user's clients, for other processes."""
    payload = {"user": str(user_id), "peers": [[each.client, each.clock, each.state] for each in states]}
    return EphemeralMessage(stream=stream, sender_id=sender_id, payload=payload)


def decode_states(message: EphemeralMessage) -> tuple[UUID, list[AwarenessState]] | None:
    """The user and the states that were encoded; None for what this version cannot read."""
    try:
        states = [AwarenessState(int(client), int(clock), str(state)) for client, clock, state in message.payload["peers"]]
        return UUID(message.payload["user"]), states
    except (KeyError, ValueError, TypeError):
        logger.warning("An awareness message in %s cannot be read.", message.stream)
        return None
