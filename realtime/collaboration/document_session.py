"""A seat: one document that is open on a connection, and what its client says to the room.

A read-only visitor's edits are refused: y-websocket is told by a message of its `auth` protocol, Hocuspocus by a `SyncStatus` of
false.
"""

from typing import Any, Protocol
from uuid import UUID

from content.errors import UpdatePending
from domain.document.update import Appended
from domain.errors import DomainError
from realtime.collaboration import messages
from realtime.collaboration.access import DocumentRight
from realtime.collaboration.commit import CommitResult
from realtime.collaboration.document_state import DocumentState
from realtime.collaboration.messages import MalformedMessage, MessageReader, MessageType, SyncStep
from realtime.collaboration.participant import AwarenessUpdate
from realtime.collaboration.room import Room
from realtime.collaboration.rooms import Rooms
from realtime.collaboration.send_queue import BoundedQueue
from realtime.collaboration.update_batch import UpdateBatch


class SessionConnection(Protocol):
    """The connection that a seat is on."""

    send_queue: BoundedQueue[bytes]

    def on_session_removed(self, session: "DocumentSession", error: DomainError | None, /) -> None:
        """The seat's visitor must leave."""


class DocumentSession:
    """A visitor of a room by websocket. `prefix` is what stands before each message: nothing, or the document's name."""

    def __init__(
        self,
        connection: SessionConnection,
        rooms: Rooms,
        room: Room,
        credentials: Any,
        user_id: UUID,
        max_right: DocumentRight,
        prefix: bytes,
    ) -> None:
        self._connection = connection
        self._rooms = rooms
        self._room = room
        self._max_right = max_right
        self._pending_acks = 0
        self._is_closed = False
        self.credentials = credentials
        self.user_id = user_id
        self.right: DocumentRight | None = None
        self.prefix = prefix

    # What the room tells (`realtime.collaboration.participant.Visitor`).

    def on_updates(self, updates: UpdateBatch) -> None:
        """The next edits."""
        for frame in updates.frames(self.prefix):
            self._connection.send_queue.put(frame, len(frame))

    def on_awareness(self, update: AwarenessUpdate) -> None:
        """Peers came, moved or left."""
        frame = update.frame(self.prefix)
        self._connection.send_queue.put(frame, len(frame))

    def on_version_saved(self, version_id: UUID) -> None:
        """A version was saved: the protocols have no word for that."""

    def on_access_changed(self, right: DocumentRight) -> None:
        """What the role allows now."""
        before, self.right = self.right, min(right, self._max_right)
        if self.prefix and self.right is not before:
            self._send(messages.authenticated_message(may_write=self.right is DocumentRight.WRITE))

    def on_removed(self, error: DomainError | None) -> None:
        """He can stay no longer."""
        self._connection.on_session_removed(self, error)

    # What the connection asks.

    def on_open(self, state: DocumentState) -> None:
        """Ask for what the room is missing, and tell who is there."""
        if self.prefix:
            self._send(messages.authenticated_message(may_write=self.right is DocumentRight.WRITE))
        self._send(messages.sync_message(SyncStep.STEP_1, state.state_vector))
        self._send_awareness()

    def renew_credentials(self, credentials: Any, max_right: DocumentRight) -> None:
        """The same user goes on with a new token."""
        self.credentials = credentials
        self._max_right = max_right
        self.right = None if self.right is None else min(self.right, max_right)
        self._send(messages.authenticated_message(may_write=self.right is DocumentRight.WRITE))

    def close(self) -> None:
        """The visitor has gone; may be said again."""
        if not self._is_closed:
            self._is_closed = True
            self._rooms.leave(self._room, self)

    async def receive(self, message_type: int, reader: MessageReader) -> None:
        """A message from the client. Raises Malformed, and what is wrong with an update."""
        if self._is_closed:
            return
        match message_type:
            case MessageType.SYNC:
                await self._handle_sync(reader.read_varint(), reader.read_bytes())
            case MessageType.AWARENESS:
                self._rooms.update_awareness(self._room, messages.decode_awareness(reader.read_bytes()), self.user_id, self)
            case MessageType.QUERY_AWARENESS:
                self._send_awareness()
            case MessageType.STATELESS | MessageType.PING | MessageType.PONG | MessageType.SYNC_STATUS:
                return
            case _:
                raise MalformedMessage("A message is of an unknown kind.")

    async def _handle_sync(self, step: int, data: bytes) -> None:
        if step == SyncStep.STEP_1:
            self._send(messages.sync_message(SyncStep.STEP_2, (await self._room.state()).update_since(data)))
        elif step not in (SyncStep.STEP_2, SyncStep.UPDATE):
            raise MalformedMessage("A message of synchronisation is of an unknown kind.")
        elif self.right is not DocumentRight.WRITE:
            self._reject_update((await self._room.state()).contains(data))
        else:
            try:
                await self._room.submit(data, self.user_id, on_done=self._on_durable)
            except UpdatePending:
                self._pending_acks += 1
                self._send(messages.sync_message(SyncStep.STEP_1, (await self._room.state()).state_vector))

    def _on_durable(self, result: CommitResult) -> None:
        """An edit is durable, or could not be made so."""
        if not isinstance(result, Appended):
            self.on_removed(result)
        elif self.prefix:
            for _ in range(self._pending_acks + 1):
                self._send(messages.sync_status_message(is_durable=True))
            self._pending_acks = 0

    def _reject_update(self, is_known: bool) -> None:
        """An edit of somebody who may only read; what the room has already is none."""
        if self.prefix:
            self._send(messages.sync_status_message(is_durable=is_known))
        elif not is_known:
            self._send(messages.y_permission_denied_message("FORBIDDEN"))

    def _send_awareness(self) -> None:
        if peers := self._room.awareness.all_states():
            self._send(messages.awareness_message(messages.encode_awareness(peers)))

    def _send(self, message: bytes) -> None:
        self._connection.send_queue.put(self.prefix + message, len(self.prefix) + len(message))
