"""One client's websocket, speaking y-websocket's or Hocuspocus' protocol.

A connection owns its reader and its writer. What is sent waits in its send queue: a client that reads too slowly is disconnected,
and synchronizes when it comes back. A Hocuspocus connection may have several documents open, each with its own token.

An update that builds on edits that the room does not have is neither lost nor stored: the client is asked for all that the room
is missing, as when it connects, and sends both. Hocuspocus' acknowledgement (`SyncStatus`) is sent when an edit is durable, never
before.

What a client's messages cost is charged to its person (`message_limits`): whoever has used up their share is not read from for a
while.
"""

import asyncio
import logging
import time
from typing import Final

from content.guard import MAX_DOCUMENT_BYTES
from domain.errors import DomainError, Invalid, LimitExceeded, Unavailable
from realtime.collaboration import messages
from realtime.collaboration.close_codes import CloseFrame, StandardClose, close_frame_for
from realtime.collaboration.document_session import DocumentSession
from realtime.collaboration.message_limits import MAX_TURN_SECONDS, Meter, PersonBudget
from realtime.collaboration.messages import MalformedMessage, MessageReader, MessageType
from realtime.collaboration.open_documents import Authenticator, EndpointContext, OpenDocuments
from realtime.collaboration.send_queue import BoundedQueue
from realtime.collaboration.transport import Transport

logger = logging.getLogger(__name__)

MAX_MESSAGE_BYTES: Final = 1024 * 1024 + 1024
MAX_DOCUMENT_MESSAGE_BYTES: Final = MAX_DOCUMENT_BYTES + 1024  # of who may write: a whole document, written while offline
_CLOSE_TIMEOUT_SECONDS: Final = 1.0
_MAX_PAUSE_SECONDS: Final = 5.0
_SMALL_FRAME_BYTES: Final = 64


class CollaborationConnection:
    """One client, from its acceptance to its end."""

    def __init__(
        self,
        context: EndpointContext,
        transport: Transport,
        *,
        name: str | None,
        authorization: str | None,
        schema_version: int | None = None,
    ) -> None:
        self._context = context
        self._transport = transport
        self._name = name
        self._ended: asyncio.Future[CloseFrame | None] = asyncio.get_running_loop().create_future()
        self._documents = OpenDocuments(context, self, authorization=authorization, schema_version=schema_version)
        self._is_hocuspocus = False
        self._max_message_bytes = MAX_MESSAGE_BYTES
        self._budget: PersonBudget | None = None
        self._meter = Meter()
        self._turn_seconds = 0.0
        self.send_queue: BoundedQueue[bytes] = BoundedQueue(lambda error: self.close(close_frame_for(error)), transport.send_now)
        self.last_received_at = time.monotonic()
        self.has_sent_awareness = False

    @property
    def sessions(self) -> list[DocumentSession]:
        """The documents that are open on it."""
        return self._documents.sessions

    def close(self, frame: CloseFrame | StandardClose | None) -> None:
        """End the connection, with a close frame unless the client is gone already (None). The first call decides."""
        if not self._ended.done():
            self._ended.set_result(frame.value if isinstance(frame, StandardClose) else frame)

    def send_ping(self) -> None:
        """Ask the client for a sign of life; providers answer with the awareness that they know."""
        for session in self.sessions:
            self.send_queue.put(session.prefix + messages.QUERY_AWARENESS, _SMALL_FRAME_BYTES)

    async def run(self) -> None:
        """Serve until the end; every session is closed when this returns."""
        async with asyncio.TaskGroup() as tasks:
            own = [tasks.create_task(self._read()), tasks.create_task(self._write())]
            try:
                frame = await self._ended
                if frame is not None:
                    await self._send_close(frame, own[1])
            finally:
                self._documents.close_all()
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
                before = self._meter.seconds
                await self._meter.run(self._handle_message(data))
                if (pause := self._charge(self._meter.seconds - before)) is not None:
                    await asyncio.sleep(pause)
        except MalformedMessage as malformed:
            self.close(CloseFrame(4400, str(malformed)))
        except DomainError as error:
            self.close(close_frame_for(error))
        except TimeoutError:
            self.close(CloseFrame(4503, Unavailable.code))
        except Exception:
            logger.exception("A bug ends a connection.")
            self.close(CloseFrame(4500, "INTERNAL"))

    def _charge(self, seconds: float) -> float | None:
        """Charge the person for a message: how long to pause where they have used up their share, or others have waited for this
        connection."""
        self._turn_seconds += seconds
        if self._budget is not None and (pause := self._budget.work.charge(seconds)) > 0.0:
            self._turn_seconds = 0.0
            return min(pause, _MAX_PAUSE_SECONDS)
        if self._turn_seconds > MAX_TURN_SECONDS:
            self._turn_seconds = 0.0
            return 0.0
        return None

    async def _handle_message(self, data: bytes) -> None:
        if not self._documents and not self._is_hocuspocus:
            self._is_hocuspocus = data[0] > MessageType.QUERY_AWARENESS
            if not self._is_hocuspocus:
                self._on_opened(await self._documents.open_by_url(self._name or ""))
        if not self._is_hocuspocus:
            (session,) = self.sessions
            await self._dispatch(session, MessageReader(data))
            return
        if data in (messages.PING, messages.PONG):
            if data == messages.PING:
                self.send_queue.put(messages.PONG, _SMALL_FRAME_BYTES)
            return
        reader = MessageReader(data)
        name = reader.read_text()
        if not name or len(name) > messages.MAX_NAME_CHARS:
            raise MalformedMessage("A message must begin with the name of a document.")
        await self._handle_hocuspocus_message(name, reader)

    async def _handle_hocuspocus_message(self, name: str, reader: MessageReader) -> None:
        message_type = reader.read_varint()
        session = self._documents.get(name)
        if message_type == MessageType.AUTH:
            if reader.read_varint() != 0:
                raise MalformedMessage("A client may only send its token.")
            refusal = await self._documents.authenticate(name, reader.read_text())
            if refusal is not None:
                self.send_queue.put(refusal, _SMALL_FRAME_BYTES)
            elif (opened := self._documents.get(name)) is not None:
                self._on_opened(opened)
        elif session is None:
            return  # not let in, or removed: providers go on sending until they notice
        elif message_type == MessageType.CLOSE:
            self._documents.close(session)
        else:
            await self._dispatch(session, reader, message_type)

    def _on_opened(self, session: DocumentSession) -> None:
        self._transport.mark_authenticated()
        self._budget = self._context.rooms.budgets.of(session.user_id)
        if session.may_write:
            self._max_message_bytes = MAX_DOCUMENT_MESSAGE_BYTES
            self._transport.set_max_message_bytes(MAX_DOCUMENT_MESSAGE_BYTES)

    def on_session_removed(self, session: DocumentSession, error: DomainError | None) -> None:
        """A session's participant may stay no longer: the connection ends, unless it has other documents open."""
        if self._is_hocuspocus and len(self._documents) > 1 and error is not None:
            self.send_queue.put(session.prefix + messages.closed_message(close_frame_for(error).reason), _SMALL_FRAME_BYTES)
            self._documents.close(session)
        else:
            self.close(close_frame_for(error))

    async def _dispatch(self, session: DocumentSession, reader: MessageReader, message_type: int | None = None) -> None:
        message_type = reader.read_varint() if message_type is None else message_type
        if message_type == MessageType.AWARENESS:
            self.has_sent_awareness = True
        try:
            await session.receive(message_type, reader)
        except (Invalid, LimitExceeded) as refused:
            self.on_session_removed(session, refused)


__all__ = ["Authenticator", "CloseFrame", "CollaborationConnection", "EndpointContext", "StandardClose", "close_frame_for"]
