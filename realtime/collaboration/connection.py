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
from realtime.collaboration.access import Right
from realtime.collaboration.document_session import Seat
from realtime.collaboration.messages import Kind, Malformed, Reader
from realtime.collaboration.rooms import Rooms
from realtime.collaboration.send_queue import Outbox
from realtime.collaboration.transport import Carrier

logger = logging.getLogger(__name__)

MESSAGE_BYTES: Final = 1024 * 1024 + 1024
DOCUMENT_MESSAGE: Final = DOCUMENT_BYTES + 1024  # of who may write: a whole document, written while he was offline
SEATS: Final = 20
_FAREWELL: Final = 1.0
_PATIENCE: Final = 10.0


@dataclass(frozen=True, slots=True)
class Close:
    """How a connection ends."""

    code: int
    reason: str


class Ends(Enum):
    """Ends that are nobody's error."""

    GOING = Close(1001, "The server is going away.")
    SILENT = Close(4508, "NO_ANSWER")
    TOO_BIG = Close(1009, "TOO_BIG")
    DONE = Close(1000, "")


class SignIn(Protocol):
    """Who is at the other end."""

    async def authenticate(self, authorization: str | None, /) -> Any:
        """The credentials behind an Authorization header's value. Raises `Unauthenticated`, `Unavailable`."""

    async def still_good(self, credentials: Any, /) -> None:
        """Raises `Unauthenticated` when credentials have ended since, `Unavailable` when that can't be told."""

    def lends(self, credentials: Any, /) -> tuple[UUID, Right]:
        """Whom they speak for, and what he may do at most. Raises `Unauthenticated`, `InsufficientScope`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """What all connections of an endpoint share."""

    rooms: Rooms
    sign_in: SignIn
    parse_id: Callable[[str], UUID | None]


def close_of(error: DomainError | None) -> Close:
    """How a connection ends after an error; the reason is the error's code."""
    match error:
        case None:
            return Ends.GOING.value
        case Unauthenticated():
            return Close(4401, error.code)
        case Forbidden() | InsufficientScope():
            return Close(4403, error.code)
        case NotFound():
            return Close(4404, error.code)
        case SubscriptionLagged() | CursorExpired():
            return Close(4508, "RESYNC")
        case Invalid() | LimitExceeded():
            return Close(4400, error.code)
        case _:
            return Close(4503, error.code)


class Connection:
    """One client, from its acceptance to its end."""

    def __init__(self, host: Host, carrier: Carrier, *, name: str | None, authorization: str | None) -> None:
        self._host = host
        self._carrier = carrier
        self._name = name
        self._authorization = authorization
        self._ended: asyncio.Future[Close | None] = asyncio.get_running_loop().create_future()
        self._seats: dict[str, Seat] = {}
        self._names_first = False
        self._limit = MESSAGE_BYTES
        self.outbox: Outbox[bytes] = Outbox(lambda error: self.end(close_of(error)), carrier.send_now)
        self.heard_at = time.monotonic()
        self.answers = False

    @property
    def seats(self) -> list[Seat]:
        """The documents that are open on it."""
        return list(self._seats.values())

    def end(self, how: Close | Ends | None) -> None:
        """Let the connection end, with a close frame unless the client is gone already (None). The first call decides."""
        if not self._ended.done():
            self._ended.set_result(how.value if isinstance(how, Ends) else how)

    def ask(self) -> None:
        """Ask the client for a sign of life; providers answer with what they know of peers."""
        for seat in self._seats.values():
            self.outbox.put(seat.prefix + messages.QUERY_AWARENESS, 64)

    async def run(self) -> None:
        """Serve until the end; every seat is given up when this returns."""
        async with asyncio.TaskGroup() as tasks:
            own = [tasks.create_task(self._read()), tasks.create_task(self._write())]
            try:
                how = await self._ended
                if how is not None:
                    await self._say_farewell(how, own[1])
            finally:
                for seat in self.seats:
                    seat.give_up()
                for task in own:
                    task.cancel()

    async def _say_farewell(self, how: Close, writer: "asyncio.Task[None]") -> None:
        self.outbox.close()
        try:
            async with asyncio.timeout(_FAREWELL):
                await asyncio.wait([writer])
                await self._carrier.send({"type": "websocket.close", "code": how.code, "reason": how.reason})
        except (TimeoutError, OSError, RuntimeError):
            return  # a stalled or vanished client: the server drops the connection when this call returns

    async def _write(self) -> None:
        try:
            while (frame := await self.outbox.take()) is not None:
                await self._carrier.send({"type": "websocket.send", "bytes": frame})
        except DomainError as error:
            self.end(close_of(error))
        except (OSError, RuntimeError):
            self.end(None)

    async def _read(self) -> None:
        try:
            while not self._ended.done():
                message = await self._carrier.receive()
                if message["type"] != "websocket.receive":
                    self.end(None)
                    return
                data = message.get("bytes")
                if not data:
                    self.end(Close(4400, "A message must be binary."))
                    return
                if len(data) > self._limit:
                    self.end(Ends.TOO_BIG)
                    return
                self.heard_at = time.monotonic()
                await self._handle(data)
        except Malformed as malformed:
            self.end(Close(4400, str(malformed)))
        except DomainError as error:
            self.end(close_of(error))
        except TimeoutError:
            self.end(Close(4503, Unavailable.code))
        except Exception:
            logger.exception("A bug ends a connection.")
            self.end(Close(4500, "INTERNAL"))

    async def _handle(self, data: bytes) -> None:
        if not self._seats and not self._names_first:
            self._names_first = data[0] > Kind.QUERY_AWARENESS
            if not self._names_first:
                await self._sit_down(self._name or "", b"", self._authorization)
        if not self._names_first:
            (seat,) = self._seats.values()
            await self._pass_on(seat, Reader(data))
            return
        if data in (messages.PING, messages.PONG):
            if data == messages.PING:
                self.outbox.put(messages.PONG, 1)
            return
        reader = Reader(data)
        name = reader.text()
        if not name or len(name) > messages.LONGEST_NAME:
            raise Malformed("A message must begin with the name of a document.")
        await self._handle_named(name, reader)

    async def _handle_named(self, name: str, reader: Reader) -> None:
        kind = reader.number()
        seat = self._seats.get(name)
        if kind == Kind.AUTH:
            if reader.number() != 0:
                raise Malformed("A client may only send its token.")
            token = reader.text()
            await self._show_token(name, seat, f"Bearer {token}" if token else self._authorization)
        elif seat is None:
            return  # not let in, or left: providers send on until they hear of it
        elif kind == Kind.CLOSE:
            self._stand_up(seat)
        else:
            await self._pass_on(seat, reader, kind)

    async def _show_token(self, name: str, seat: Seat | None, authorization: str | None) -> None:
        """Enter a room; or, when the client is there already, go on with a new token."""
        prefix = messages.counted(name.encode())
        try:
            if seat is None:
                seat = await self._sit_down(name, prefix, authorization)
            else:
                await self._renew(seat, authorization)
        except DomainError as error:
            self.outbox.put(prefix + messages.permission_denied(error.code), 64)

    async def _renew(self, seat: Seat, authorization: str | None) -> None:
        async with asyncio.timeout(_PATIENCE):
            credentials = await self._host.sign_in.authenticate(authorization)
        user_id, at_most = self._host.sign_in.lends(credentials)
        if user_id != seat.user_id:
            raise Forbidden("DOCUMENTS_READ", "The new token is somebody else's.")
        seat.renew(credentials, at_most)

    async def _sit_down(self, name: str, prefix: bytes, authorization: str | None) -> Seat:
        host = self._host
        if len(self._seats) >= SEATS:
            raise LimitExceeded(f"A connection may have {SEATS} documents open.", SEATS)
        async with asyncio.timeout(_PATIENCE):
            credentials = await host.sign_in.authenticate(authorization)
            user_id, at_most = host.sign_in.lends(credentials)
            document_id = host.parse_id(name.partition("\0")[0])
            if document_id is None:
                raise NotFound
            async with host.rooms.room(document_id) as room:
                seat = Seat(self, host.rooms, room, credentials, user_id, at_most, prefix)
                await host.rooms.let_in(room, seat, at_most=at_most)
                try:
                    seat.welcome(await room.state())
                except BaseException:
                    seat.give_up()
                    raise
                if seat.right is Right.WRITE:
                    self._limit = DOCUMENT_MESSAGE
                    self._carrier.accept(DOCUMENT_MESSAGE)
                # From here on the room stays open for its visitor.
                self._seats[name] = seat
        return seat

    def leave(self, seat: Seat, error: DomainError | None) -> None:
        """A seat's visitor must leave: so must the connection, unless it has others."""
        if self._names_first and len(self._seats) > 1 and error is not None:
            self.outbox.put(seat.prefix + messages.closed(close_of(error).reason), 64)
            self._stand_up(seat)
        else:
            self.end(close_of(error))

    def _stand_up(self, seat: Seat) -> None:
        seat.give_up()
        for name in [name for name, each in self._seats.items() if each is seat]:
            del self._seats[name]

    async def _pass_on(self, seat: Seat, reader: Reader, kind: int | None = None) -> None:
        kind = reader.number() if kind is None else kind
        if kind == Kind.AWARENESS:
            self.answers = True
        try:
            await seat.receive(kind, reader)
        except (Invalid, LimitExceeded) as refused:
            self.leave(seat, refused)


__all__ = ["Close", "Connection", "Ends", "Host", "SignIn", "close_of"]
