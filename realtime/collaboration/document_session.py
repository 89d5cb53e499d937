"""One document that is open on a connection: what its client sends to the room, and what it is sent.

Edits of a client that may only read are refused: y-websocket gets a message of its `auth` protocol, Hocuspocus a `SyncStatus` of
false. They are not parsed, except small ones, to see whether they say anything new: providers send all deletions that they know
of when they connect.

A client that has not announced the editor schema (`domain.document.editor_schema`), or an older one, may only read a document
that holds nodes or marks which its editor would delete; it is told why, and may write again when they are gone.
"""

import asyncio
from typing import Any, Final, Protocol
from uuid import UUID

import orjson

from content.crdt import EMPTY
from content.errors import UpdatePending
from domain.document.editor_schema import SCHEMA_VERSION, unknown_names
from domain.document.update import Appended
from domain.errors import DomainError, LimitExceeded
from realtime.collaboration import messages
from realtime.collaboration.access import DocumentRight
from realtime.collaboration.commit import CommitResult
from realtime.collaboration.messages import AwarenessState, MalformedMessage, MessageReader, MessageType, SyncStep
from realtime.collaboration.participant import AwarenessUpdate
from realtime.collaboration.presence import MAX_CLIENTS_PER_USER, REMOVED_STATE
from realtime.collaboration.room import Room
from realtime.collaboration.rooms import Rooms
from realtime.collaboration.send_queue import BoundedQueue
from realtime.collaboration.update_batch import UpdateBatch

SCHEMA_REQUIRED: Final = "SCHEMA_REQUIRED"
_MAX_PARSED_READER_UPDATE_BYTES: Final = 4 * 1024


class SessionConnection(Protocol):
    """The connection on which a document is open."""

    send_queue: BoundedQueue[bytes]

    def on_session_removed(self, session: "DocumentSession", error: DomainError | None, /) -> None:
        """The session's participant may stay no longer."""


class DocumentSession:
    """A participant by websocket. `prefix` precedes each message: nothing for y-websocket, the document's name for Hocuspocus."""

    def __init__(
        self,
        connection: SessionConnection,
        rooms: Rooms,
        room: Room,
        credentials: Any,
        user_id: UUID,
        max_right: DocumentRight,
        prefix: bytes,
        schema_version: int | None,
        *,
        shares_presence: bool = True,
    ) -> None:
        self._connection = connection
        self._rooms = rooms
        self._room = room
        self._max_right = max_right
        self._schema_version = schema_version
        self._shares_presence = shares_presence
        self._shown_names: frozenset[str] = frozenset()  # nodes and marks that the client wrote itself
        self._unknown_names: frozenset[str] = frozenset()  # that the client's editor would delete
        self._pending_acks = 0
        self._pending_awareness: dict[int, AwarenessState] = {}
        self._awareness_timer: asyncio.TimerHandle | None = None
        self._is_closed = False
        self.credentials = credentials
        self.user_id = user_id
        self.right: DocumentRight | None = None
        self.prefix = prefix

    @property
    def may_write(self) -> bool:
        """Whether the client's edits are accepted."""
        return self.right is DocumentRight.WRITE and not self._unknown_names

    # From the room (`realtime.collaboration.participant.Participant`).

    def on_updates(self, updates: UpdateBatch) -> None:
        """The next edits."""
        for frame in updates.frames(self.prefix):
            self._connection.send_queue.put(frame, len(frame))

    def on_awareness(self, update: AwarenessUpdate) -> None:
        """Somebody came, moved or left."""
        if not self._shares_presence:
            return
        frame = update.frame(self.prefix)
        self._connection.send_queue.put(frame, len(frame))

    def on_version_saved(self, version_id: UUID) -> None:
        """A version was saved: the protocols have no message for that."""

    def on_access_changed(self, right: DocumentRight) -> None:
        """What the person's role allows now."""
        before, self.right = self.right, min(right, self._max_right)
        if self.prefix and self.right is not before:
            self._send(messages.authenticated_message(may_write=self.may_write))

    def on_content_changed(self, *, is_own: bool = False) -> None:
        """The document holds a node or mark that it did not hold before; a client knows what it writes itself."""
        if is_own and self.may_write:
            self._shown_names = self._room.names
        before, self._unknown_names = self._unknown_names, self._find_unknown_names()
        if self.right is DocumentRight.WRITE and bool(before) != bool(self._unknown_names):
            self._send_write_permission()

    def on_removed(self, error: DomainError | None) -> None:
        """The client may stay no longer."""
        self._connection.on_session_removed(self, error)

    # From the connection.

    async def open(self) -> None:
        """Ask for what the room is missing, and send who is there. Raises `Unavailable`."""
        state = await self._room.state()
        self._unknown_names = self._find_unknown_names()
        if self.prefix:
            self._send(messages.authenticated_message(may_write=self.may_write))
        if self._unknown_names and self.right is DocumentRight.WRITE:
            self._send_schema_required()
        self._send(messages.sync_message(SyncStep.STEP_1, state.state_vector))
        self._send_awareness()

    def renew_credentials(self, credentials: Any, max_right: DocumentRight) -> None:
        """The same user goes on with a new token."""
        self.credentials = credentials
        self._max_right = max_right
        self.right = None if self.right is None else min(self.right, max_right)
        self._send(messages.authenticated_message(may_write=self.may_write))

    def close(self) -> None:
        """The client has left; may be called again."""
        if not self._is_closed:
            self._is_closed = True
            if self._awareness_timer is not None:
                self._awareness_timer.cancel()
            self._rooms.membership.leave(self._room, self)

    async def receive(self, message_type: int, reader: MessageReader) -> None:
        """
        Handle a message of the client.

        Raises MalformedMessage, what `Room.submit` and `Room.difference` raise, and LimitExceeded for a message that is too large
        for its type.
        """
        if self._is_closed:
            return
        match message_type:
            case MessageType.SYNC:
                await self._handle_sync(reader.read_varint(), reader.read_bytes())
            case MessageType.AWARENESS:
                self._handle_awareness(reader.read_bytes())
            case MessageType.QUERY_AWARENESS:
                self._send_awareness()
            case MessageType.STATELESS | MessageType.PING | MessageType.PONG | MessageType.SYNC_STATUS:
                return
            case _:
                raise MalformedMessage("A message is of an unknown kind.")

    async def _handle_sync(self, step: int, data: bytes) -> None:
        if step == SyncStep.STEP_1:
            await self._send_difference(data)
        elif step not in (SyncStep.STEP_2, SyncStep.UPDATE):
            raise MalformedMessage("A message of synchronisation is of an unknown kind.")
        elif not self.may_write:
            await self._reject_update(step, data)
        else:
            try:
                await self._room.submit(data, self.user_id, source=self, on_done=self._on_durable)
            except UpdatePending:
                self._pending_acks += 1
                self._send(messages.sync_message(SyncStep.STEP_1, (await self._room.state()).state_vector))

    async def _send_difference(self, vector: bytes) -> None:
        # A document that many clients wrote has a long state vector: theirs may be as long as ours.
        own = len((await self._room.state()).state_vector) if len(vector) > messages.MAX_STATE_VECTOR_BYTES else 0
        if len(vector) > messages.MAX_STATE_VECTOR_BYTES + own:
            limit = messages.MAX_STATE_VECTOR_BYTES
            raise LimitExceeded(f"A state vector has at most {limit} bytes.", limit)
        for frame in await self._room.differences.frames(vector, self.prefix, owner=self.user_id):
            self._connection.send_queue.put(frame, len(frame))

    def _on_durable(self, result: CommitResult) -> None:
        """An edit is durable, or could not be made so."""
        if not isinstance(result, Appended):
            self.on_removed(result)
        elif self.prefix:
            for _ in range(self._pending_acks + 1):
                self._send(messages.sync_status_message(is_durable=True))
            self._pending_acks = 0

    async def _reject_update(self, step: int, data: bytes) -> None:
        """Refuse an edit of a client that may only read; one that says nothing new is no edit."""
        is_small = len(data) <= _MAX_PARSED_READER_UPDATE_BYTES
        is_known = data == EMPTY or (is_small and (await self._room.state()).contains(data))
        if self.prefix:
            self._send(messages.sync_status_message(is_durable=is_known))
        elif not is_known and (is_small or step == SyncStep.UPDATE):
            reason = "FORBIDDEN" if self.right is not DocumentRight.WRITE else SCHEMA_REQUIRED
            self._send(messages.y_permission_denied_message(reason))

    # Awareness.

    def _handle_awareness(self, data: bytes) -> None:
        """
        Apply the states of the user's own clients; beyond their rate the newest wait, and are applied together.

        Providers send the states of others back, in a crowd many of them: those cost little more than being read, and a message
        of more than `MAX_AWARENESS_BYTES` holds too many to be of use.
        """
        if len(data) > messages.MAX_AWARENESS_BYTES or not self._shares_presence or self._room.changed_awareness.is_echo(data):
            return
        table = self._room.awareness
        own = [each for each in messages.decode_awareness(data, table.clock) if table.is_news(each, self.user_id)]
        if not own:
            return
        if not self._pending_awareness and self._rooms.budgets.of(self.user_id).awareness.try_take(1):
            self._renew_returned(own)
            self._rooms.presence.update(self._room, own, self.user_id, self)
            return
        for each in own:
            if each.client in self._pending_awareness or len(self._pending_awareness) < MAX_CLIENTS_PER_USER:
                self._pending_awareness[each.client] = each
        self._schedule_awareness()

    def _renew_returned(self, states: list[AwarenessState]) -> None:
        """
        Send a client that is back its own removal.

        Others have seen the removal and ignore the clock that it comes back with. y-protocols answers a removal of the own client
        with the next clock, so it is seen again at once and not only at its next renewal, up to 18 s later.
        """
        table = self._room.awareness
        removals = [AwarenessState(each.client, each.clock, REMOVED_STATE) for each in states if table.is_return(each)]
        if removals:
            self._send(messages.awareness_message(messages.encode_awareness(removals)))

    def _schedule_awareness(self) -> None:
        if self._awareness_timer is None:
            wait = self._rooms.budgets.of(self.user_id).awareness.seconds_until(1)
            self._awareness_timer = asyncio.get_running_loop().call_later(wait, self._apply_pending_awareness)

    def _apply_pending_awareness(self) -> None:
        self._awareness_timer = None
        if not self._rooms.budgets.of(self.user_id).awareness.try_take(1):  # another connection of the person was first
            self._schedule_awareness()
            return
        states, self._pending_awareness = list(self._pending_awareness.values()), {}
        self._rooms.presence.update(self._room, states, self.user_id, self)

    def _send_awareness(self) -> None:
        if self._shares_presence and (states := self._room.awareness.all_states()):
            self._send(messages.awareness_message(messages.encode_awareness(states)))

    # Permission to write.

    def _find_unknown_names(self) -> frozenset[str]:
        return unknown_names(self._room.names, self._schema_version, self._shown_names)

    def _send_write_permission(self) -> None:
        if self.prefix:
            self._send(messages.authenticated_message(may_write=self.may_write))
        if self._unknown_names:
            self._send_schema_required()

    def _send_schema_required(self) -> None:
        if self.prefix:
            payload = {"type": SCHEMA_REQUIRED, "schemaVersion": SCHEMA_VERSION, "unknown": sorted(self._unknown_names)}
            self._send(messages.stateless_message(orjson.dumps(payload).decode()))
        else:
            self._send(messages.y_permission_denied_message(SCHEMA_REQUIRED))

    def _send(self, message: bytes) -> None:
        self._connection.send_queue.put(self.prefix + message, len(self.prefix) + len(message))
