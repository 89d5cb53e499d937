"""One client's websocket, speaking y-websocket's protocol or Hocuspocus'; and the seats that it takes in rooms.

A connection owns its reader and its writer. What is for the client waits in its outbox: a client that reads too slowly is hung up
on, and synchronises when it comes back. A Hocuspocus connection may have a seat in several rooms, each entered with its own
token.

An update that builds on edits that the room does not have is not lost and not kept: the client is asked for all that the room is
missing, as when it connects, and sends both. Hocuspocus' acknowledgement (`SyncStatus`) is sent when an edit is durable, never
before.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, Protocol
from uuid import UUID

from content.guard import DOCUMENT_BYTES
from domain.errors import (
    CursorExpired,
    DomainError,
    Forbidden,
    InsufficientScope,
    Invalid,
    LimitExceeded,
    NotFound,
    SubscriptionLagged,
    Unauthenticated,
    Unavailable,
)
from realtime.collaboration import messages
from realtime.collaboration.access import DocumentRight
from realtime.collaboration.document_session import DocumentSession
from realtime.collaboration.messages import MalformedMessage, MessageReader, MessageType
from realtime.collaboration.rooms import Rooms
from realtime.collaboration.send_queue import BoundedQueue
from realtime.collaboration.transport import Transport

logger = logging.getLogger(__name__)

MAX_MESSAGE_BYTES: Final = 1024 * 1024 + 1024
MAX_DOCUMENT_MESSAGE_BYTES: Final = DOCUMENT_BYTES + 1024  # of who may write: a whole document, written while he was offline
MAX_OPEN_DOCUMENTS: Final = 20
_CLOSE_TIMEOUT_SECONDS: Final = 1.0
_AUTH_TIMEOUT_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class CloseFrame:
    """How a connection ends."""

    code: int
    reason: str


class StandardClose(Enum):
    """Ends that are nobody's error."""

    GOING_AWAY = CloseFrame(1001, "The server is going away.")
    NO_RESPONSE = CloseFrame(4508, "NO_ANSWER")
    TOO_BIG = CloseFrame(1009, "TOO_BIG")
    NORMAL = CloseFrame(1000, "")


class Authenticator(Protocol):
    """Who is at the other end."""

    async def authenticate(self, authorization: str | None, /) -> Any:
        """The credentials behind an Authorization header's value. Raises `Unauthenticated`, `Unavailable`."""

    async def check_active(self, credentials: Any, /) -> None:
        """Raises `Unauthenticated` when credentials have ended since, `Unavailable` when that can't be told."""

    def user_and_max_right(self, credentials: Any, /) -> tuple[UUID, DocumentRight]:
        """Whom they speak for, and what he may do at most. Raises `Unauthenticated`, `InsufficientScope`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointContext:
    """What all connections of an endpoint share."""

    rooms: Rooms
    authenticator: Authenticator
    parse_id: Callable[[str], UUID | None]


def close_frame_for(error: DomainError | None) -> CloseFrame:
    """How a connection ends after an error; the reason is the error's code."""
    match error:
        case None:
            return StandardClose.GOING_AWAY.value
        case Unauthenticated():
            return CloseFrame(4401, error.code)
        case Forbidden() | InsufficientScope():
            return CloseFrame(4403, error.code)
        case NotFound():
            return CloseFrame(4404, error.code)
        case SubscriptionLagged() | CursorExpired():
            return CloseFrame(4508, "RESYNC")
        case Invalid() | LimitExceeded():
            return CloseFrame(4400, error.code)
        case _:
            return CloseFrame(4503, error.code)


class CollaborationConnection:
    """One client, from its acceptance to its end."""

    def __init__(self, context: EndpointContext, transport: Transport, *, name: str | None, authorization: str | None) -> None:
        self._context = context
        self._transport = transport
        self._name = name
        self._authorization = authorization
        self._ended: asyncio.Future[CloseFrame | None] = asyncio.get_running_loop().create_future()
        self._sessions: dict[str, DocumentSession] = {}
        self._is_hocuspocus = False
        self._max_message_bytes = MAX_MESSAGE_BYTES
        self.send_queue: BoundedQueue[bytes] = BoundedQueue(lambda error: self.close(close_frame_for(error)), transport.send_now)
        self.last_received_at = time.monotonic()
        self.has_sent_awareness = False

    @property
    def sessions(self) -> list[DocumentSession]:
        """The documents that are open on it."""
        return list(self._sessions.values())

    def close(self, frame: CloseFrame | StandardClose | None) -> None:
        """Let the connection end, with a close frame unless the client is gone already (None). The first call decides."""
        if not self._ended.done():
            self._ended.set_result(frame.value if isinstance(frame, StandardClose) else frame)

    def send_ping(self) -> None:
        """Ask the client for a sign of life; providers answer with what they know of peers."""
        for seat in self._sessions.values():
            self.send_queue.put(seat.prefix + messages.QUERY_AWARENESS, 64)

    async def run(self) -> None:
        """Serve until the end; every seat is given up when this returns."""
        async with asyncio.TaskGroup() as tasks:
            own = [tasks.create_task(self._read()), tasks.create_task(self._write())]
            try:
                how = await self._ended
                if how is not None:
                    await self._send_close(how, own[1])
            finally:
                for seat in self.sessions:
                    seat.close()
                for task in own:
                    task.cancel()

    async def _send_close(self, frame: CloseFrame, writer: "asyncio.Task[None]") -> None:
        self.send_queue.close()
        try:
            async with asyncio.timeout(_CLOSE_TIMEOUT_SECONDS):
                await asyncio.wait([writer])
                await self._transport.send({"type": "websocket.close", "code": frame.code, "reason": frame.reason})
        except (TimeoutError, OSError, RuntimeError):
            return  # a stalled or vanished client: the server drops the connection when this call returns

    async def _write(self) -> None:
        try:
            while (frame := await self.send_queue.get()) is not None:
                await self._transport.send({"type": "websocket.send", "bytes": frame})
        except DomainError as error:
            self.close(close_frame_for(error))
        except (OSError, RuntimeError):
            self.close(None)

    async def _read(self) -> None:
        try:
            while not self._ended.done():
                message = await self._transport.receive()
                if message["type"] != "websocket.receive":
                    self.close(None)
                    return
                data = message.get("bytes")
                if not data:
                    self.close(CloseFrame(4400, "A message must be binary."))
                    return
                if len(data) > self._max_message_bytes:
                    self.close(StandardClose.TOO_BIG)
                    return
                self.last_received_at = time.monotonic()
                await self._handle_message(data)
        except MalformedMessage as malformed:
            self.close(CloseFrame(4400, str(malformed)))
        except DomainError as error:
            self.close(close_frame_for(error))
        except TimeoutError:
            self.close(CloseFrame(4503, Unavailable.code))
        except Exception:
            logger.exception("A bug ends a connection.")
            self.close(CloseFrame(4500, "INTERNAL"))

    async def _handle_message(self, data: bytes) -> None:
        if not self._sessions and not self._is_hocuspocus:
            self._is_hocuspocus = data[0] > MessageType.QUERY_AWARENESS
            if not self._is_hocuspocus:
                await self._open_document(self._name or "", b"", self._authorization)
        if not self._is_hocuspocus:
            (seat,) = self._sessions.values()
            await self._dispatch(seat, MessageReader(data))
            return
        if data in (messages.PING, messages.PONG):
            if data == messages.PING:
                self.send_queue.put(messages.PONG, 1)
            return
        reader = MessageReader(data)
        name = reader.read_text()
        if not name or len(name) > messages.MAX_NAME_CHARS:
            raise MalformedMessage("A message must begin with the name of a document.")
        await self._handle_hocuspocus_message(name, reader)

    async def _handle_hocuspocus_message(self, name: str, reader: MessageReader) -> None:
        kind = reader.read_varint()
        seat = self._sessions.get(name)
        if kind == MessageType.AUTH:
            if reader.read_varint() != 0:
                raise MalformedMessage("A client may only send its token.")
            token = reader.read_text()
            await self._authenticate(name, seat, f"Bearer {token}" if token else self._authorization)
        elif seat is None:
            return  # not let in, or left: providers send on until they hear of it
        elif kind == MessageType.CLOSE:
            self._close_document(seat)
        else:
            await self._dispatch(seat, reader, kind)

    async def _authenticate(self, name: str, session: DocumentSession | None, authorization: str | None) -> None:
        """Enter a room; or, when the client is there already, go on with a new token."""
        prefix = messages.with_length(name.encode())
        try:
            if session is None:
                session = await self._open_document(name, prefix, authorization)
            else:
                await self._renew_token(session, authorization)
        except DomainError as error:
            self.send_queue.put(prefix + messages.permission_denied_message(error.code), 64)

    async def _renew_token(self, session: DocumentSession, authorization: str | None) -> None:
        async with asyncio.timeout(_AUTH_TIMEOUT_SECONDS):
            credentials = await self._context.authenticator.authenticate(authorization)
        user_id, at_most = self._context.authenticator.user_and_max_right(credentials)
        if user_id != session.user_id:
            raise Forbidden("DOCUMENTS_READ", "The new token is somebody else's.")
        session.renew_credentials(credentials, at_most)

    async def _open_document(self, name: str, prefix: bytes, authorization: str | None) -> DocumentSession:
        host = self._context
        if len(self._sessions) >= MAX_OPEN_DOCUMENTS:
            raise LimitExceeded(f"A connection may have {MAX_OPEN_DOCUMENTS} documents open.", MAX_OPEN_DOCUMENTS)
        async with asyncio.timeout(_AUTH_TIMEOUT_SECONDS):
            credentials = await host.authenticator.authenticate(authorization)
            user_id, at_most = host.authenticator.user_and_max_right(credentials)
            document_id = host.parse_id(name.partition("\0")[0])
            if document_id is None:
                raise NotFound
            async with host.rooms.room(document_id) as room:
                seat = DocumentSession(self, host.rooms, room, credentials, user_id, at_most, prefix)
                await host.rooms.join(room, seat, max_right=at_most)
                try:
                    seat.on_open(await room.state())
                except BaseException:
                    seat.close()
                    raise
                if seat.right is DocumentRight.WRITE:
                    self._max_message_bytes = MAX_DOCUMENT_MESSAGE_BYTES
                    self._transport.set_max_message_bytes(MAX_DOCUMENT_MESSAGE_BYTES)
                # From here on the room stays open for its visitor.
                self._sessions[name] = seat
        return seat

    def on_session_removed(self, session: DocumentSession, error: DomainError | None) -> None:
        """A seat's visitor must leave: so must the connection, unless it has others."""
        if self._is_hocuspocus and len(self._sessions) > 1 and error is not None:
            self.send_queue.put(session.prefix + messages.closed_message(close_frame_for(error).reason), 64)
            self._close_document(session)
        else:
            self.close(close_frame_for(error))

    def _close_document(self, session: DocumentSession) -> None:
        session.close()
        for name in [name for name, each in self._sessions.items() if each is session]:
            del self._sessions[name]

    async def _dispatch(self, session: DocumentSession, reader: MessageReader, message_type: int | None = None) -> None:
        message_type = reader.read_varint() if message_type is None else message_type
        if message_type == MessageType.AWARENESS:
            self.has_sent_awareness = True
        try:
            await session.receive(message_type, reader)
        except (Invalid, LimitExceeded) as refused:
            self.on_session_removed(session, refused)


__all__ = ["Authenticator", "CloseFrame", "CollaborationConnection", "EndpointContext", "StandardClose", "close_frame_for"]
