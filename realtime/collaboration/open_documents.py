"""The documents that are open on a connection: opened with a token, renewed with another, closed."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol
from uuid import UUID

from domain.errors import DomainError, Forbidden, LimitExceeded, NotFound
from realtime.collaboration import messages
from realtime.collaboration.access import DocumentRight
from realtime.collaboration.document_session import DocumentSession, SessionConnection
from realtime.collaboration.rooms import Rooms

MAX_OPEN_DOCUMENTS: Final = 20
_AUTH_TIMEOUT_SECONDS: Final = 10.0
_SCHEMA_SUFFIX: Final = ";schema="


class Authenticator(Protocol):
    """Finds out who is at the other end."""

    async def authenticate(self, authorization: str | None, /) -> Any:
        """The credentials behind an Authorization header's value. Raises `Unauthenticated`, `Unavailable`."""

    async def check_active(self, credentials: Any, /) -> None:
        """Raises `Unauthenticated` when credentials have ended since, `Unavailable` when that is not known now."""

    def user_and_max_right(self, credentials: Any, /) -> tuple[UUID, DocumentRight]:
        """The user, and what the credentials allow at most. Raises `Unauthenticated`, `InsufficientScope`."""

    def shares_presence(self, credentials: Any, /) -> bool:
        """Whether others see that the bearer is there, and the other way round."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointContext:
    """What all connections of an endpoint share."""

    rooms: Rooms
    authenticator: Authenticator
    parse_id: Callable[[str], UUID | None]


class OpenDocuments:
    """The sessions of one connection, by the name under which the client opened each document."""

    def __init__(
        self, context: EndpointContext, connection: SessionConnection, *, authorization: str | None, schema_version: int | None
    ) -> None:
        self._context = context
        self._connection = connection
        self._authorization = authorization
        self._schema_version = schema_version
        self._sessions: dict[str, DocumentSession] = {}

    def __len__(self) -> int:
        return len(self._sessions)

    @property
    def sessions(self) -> list[DocumentSession]:
        """The open documents."""
        return list(self._sessions.values())

    def get(self, name: str) -> DocumentSession | None:
        """The session of a document, None where it is not open."""
        return self._sessions.get(name)

    async def open_by_url(self, name: str) -> DocumentSession:
        """Open the document that the connection's address names (y-websocket). Raises what `_open` raises."""
        return await self._open(name, b"", self._authorization, self._schema_version)

    async def authenticate(self, name: str, token: str) -> bytes | None:
        """
        Open a document with a token, or go on with a new one where it is open (Hocuspocus); the answer where that is refused.

        A token may end in `;schema=` and the version of the editor schema.
        """
        prefix = messages.with_length(name.encode())
        token, version = split_schema_version(token)
        authorization = f"Bearer {token}" if token else self._authorization
        session = self._sessions.get(name)
        try:
            if session is None:
                await self._open(name, prefix, authorization, self._schema_version if version is None else version)
            else:
                await self._renew(session, authorization)
        except DomainError as error:
            return prefix + messages.permission_denied_message(error.code)
        return None

    def close(self, session: DocumentSession) -> None:
        """Close a document."""
        session.close()
        for name in [name for name, each in self._sessions.items() if each is session]:
            del self._sessions[name]

    def close_all(self) -> None:
        """Close all documents; they are still listed."""
        for session in self.sessions:
            session.close()

    async def _renew(self, session: DocumentSession, authorization: str | None) -> None:
        async with asyncio.timeout(_AUTH_TIMEOUT_SECONDS):
            credentials = await self._context.authenticator.authenticate(authorization)
        user_id, max_right = self._context.authenticator.user_and_max_right(credentials)
        if user_id != session.user_id:
            raise Forbidden("DOCUMENTS_READ", "The new token is another user's.")
        session.renew_credentials(credentials, max_right)

    async def _open(self, name: str, prefix: bytes, authorization: str | None, schema_version: int | None) -> DocumentSession:
        """Open a document. Raises `Unauthenticated`, `InsufficientScope`, `NotFound`, `LimitExceeded`, `Unavailable`,
        TimeoutError."""
        rooms, authenticator = self._context.rooms, self._context.authenticator
        if len(self._sessions) >= MAX_OPEN_DOCUMENTS:
            raise LimitExceeded(f"A connection may have {MAX_OPEN_DOCUMENTS} documents open.", MAX_OPEN_DOCUMENTS)
        async with asyncio.timeout(_AUTH_TIMEOUT_SECONDS):
            credentials = await authenticator.authenticate(authorization)
            user_id, max_right = authenticator.user_and_max_right(credentials)
            document_id = self._context.parse_id(name.partition("\0")[0])
            if document_id is None:
                raise NotFound
            async with rooms.room(document_id) as room:
                session = DocumentSession(
                    self._connection,
                    rooms,
                    room,
                    credentials,
                    user_id,
                    max_right,
                    prefix,
                    schema_version,
                    shares_presence=authenticator.shares_presence(credentials),
                )
                await rooms.membership.join(room, session, max_right=max_right)
                try:
                    await session.open()
                except BaseException:
                    session.close()
                    raise
                # From here on the room stays open for its participant.
                self._sessions[name] = session
        return session


def split_schema_version(token: str) -> tuple[str, int | None]:
    """A token and the version of the editor schema that follows it, None where none does."""
    head, separator, version = token.rpartition(_SCHEMA_SUFFIX)
    return (head, parse_schema_version(version)) if separator else (token, None)


def parse_schema_version(text: str | None) -> int | None:
    """The version of the editor schema that a client announces; None where it is no number."""
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 10 else None
