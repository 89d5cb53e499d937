"""A seat: one document that is open on a connection, and what its client says to the room.

A read-only visitor's edits are refused: y-websocket is told by a message of its `auth` protocol, Hocuspocus by a `SyncStatus` of
false.
"""

from typing import Any, Protocol
from uuid import UUID

from content.errors import UpdatePending
from domain.document.update import Placed
from domain.errors import DomainError
from realtime.collaboration import messages
from realtime.collaboration.access import Right
from realtime.collaboration.commit import Answer
from realtime.collaboration.document_state import State
from realtime.collaboration.messages import Kind, Malformed, Reader, Sync
from realtime.collaboration.participant import News
from realtime.collaboration.room import Room
from realtime.collaboration.rooms import Rooms
from realtime.collaboration.send_queue import Outbox
from realtime.collaboration.update_batch import Edits


class Line(Protocol):
    """The connection that a seat is on."""

    outbox: Outbox[bytes]

    def leave(self, seat: "Seat", error: DomainError | None, /) -> None:
        """The seat's visitor must leave."""


class Seat:
    """A visitor of a room by websocket. `prefix` is what stands before each message: nothing, or the document's name."""

    def __init__(
        self, line: Line, rooms: Rooms, room: Room, credentials: Any, user_id: UUID, at_most: Right, prefix: bytes
    ) -> None:
        self._line = line
        self._rooms = rooms
        self._room = room
        self._at_most = at_most
        self._owed = 0
        self._gone = False
        self.credentials = credentials
        self.user_id = user_id
        self.right: Right | None = None
        self.prefix = prefix

    # What the room tells (`realtime.collaboration.participant.Visitor`).

    def edited(self, edits: Edits) -> None:
        """The next edits."""
        for frame in edits.frames(self.prefix):
            self._line.outbox.put(frame, len(frame))

    def met(self, news: News) -> None:
        """Peers came, moved or left."""
        frame = news.frame(self.prefix)
        self._line.outbox.put(frame, len(frame))

    def saved(self, version_id: UUID) -> None:
        """A version was saved: the protocols have no word for that."""

    def allowed(self, right: Right) -> None:
        """What the role allows now."""
        before, self.right = self.right, min(right, self._at_most)
        if self.prefix and self.right is not before:
            self._say(messages.authenticated(may_write=self.right is Right.WRITE))

    def leave(self, error: DomainError | None) -> None:
        """He can stay no longer."""
        self._line.leave(self, error)

    # What the connection asks.

    def welcome(self, state: State) -> None:
        """Ask for what the room is missing, and tell who is there."""
        if self.prefix:
            self._say(messages.authenticated(may_write=self.right is Right.WRITE))
        self._say(messages.sync(Sync.STEP_1, state.vector))
        self._tell_peers()

    def renew(self, credentials: Any, at_most: Right) -> None:
        """The same user goes on with a new token."""
        self.credentials = credentials
        self._at_most = at_most
        self.right = None if self.right is None else min(self.right, at_most)
        self._say(messages.authenticated(may_write=self.right is Right.WRITE))

    def give_up(self) -> None:
        """The visitor has gone; may be said again."""
        if not self._gone:
            self._gone = True
            self._rooms.let_out(self._room, self)

    async def receive(self, kind: int, reader: Reader) -> None:
        """A message from the client. Raises Malformed, and what is wrong with an update."""
        if self._gone:
            return
        match kind:
            case Kind.SYNC:
                await self._synchronise(reader.number(), reader.bytes())
            case Kind.AWARENESS:
                self._rooms.hear_peers(self._room, messages.peers(reader.bytes()), self.user_id, self)
            case Kind.QUERY_AWARENESS:
                self._tell_peers()
            case Kind.STATELESS | Kind.PING | Kind.PONG | Kind.SYNC_STATUS:
                return
            case _:
                raise Malformed("A message is of an unknown kind.")

    async def _synchronise(self, step: int, data: bytes) -> None:
        if step == Sync.STEP_1:
            self._say(messages.sync(Sync.STEP_2, (await self._room.state()).missing(data)))
        elif step not in (Sync.STEP_2, Sync.UPDATE):
            raise Malformed("A message of synchronisation is of an unknown kind.")
        elif self.right is not Right.WRITE:
            self._refuse((await self._room.state()).knows(data))
        else:
            try:
                await self._room.submit(data, self.user_id, done=self._kept)
            except UpdatePending:
                self._owed += 1
                self._say(messages.sync(Sync.STEP_1, (await self._room.state()).vector))

    def _kept(self, answer: Answer) -> None:
        """An edit is durable, or could not be made so."""
        if not isinstance(answer, Placed):
            self.leave(answer)
        elif self.prefix:
            for _ in range(self._owed + 1):
                self._say(messages.sync_status(kept=True))
            self._owed = 0

    def _refuse(self, known: bool) -> None:
        """An edit of somebody who may only read; what the room has already is none."""
        if self.prefix:
            self._say(messages.sync_status(kept=known))
        elif not known:
            self._say(messages.permission_denied_plain("FORBIDDEN"))

    def _tell_peers(self) -> None:
        if peers := self._room.peers.all():
            self._say(messages.awareness(messages.awareness_update(peers)))

    def _say(self, message: bytes) -> None:
        self._line.outbox.put(self.prefix + message, len(self.prefix) + len(message))
