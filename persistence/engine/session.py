"""A connection to Postgres of its own, outside the pool, for what outlives a statement: LISTEN, and locks of a session."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

import asyncpg

from domain.errors import Unavailable

_CONNECT_TIMEOUT_SECONDS: Final = 3.0
_STATEMENT_TIMEOUT_SECONDS: Final = 3.0
_CLOSE_TIMEOUT_SECONDS: Final = 1.0
_ERRORS: Final = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
logger = logging.getLogger(__name__)


class Session:
    """One open connection. Its methods raise Unavailable when it is lost, or when Postgres does not answer in time."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw

    @property
    def is_closed(self) -> bool:
        """Whether the connection is known to be lost."""
        closed: bool = self._raw.is_closed()
        return closed

    async def fetch_value(self, text: str, *arguments: Any) -> Any:
        """The first column of the first row of a statement, which commits by itself."""
        try:
            return await self._raw.fetchval(text, *arguments)
        except _ERRORS as error:
            raise Unavailable("The database is unavailable; try again.") from error

    async def ping(self) -> None:
        """Find out whether the connection still stands. Raises Unavailable."""
        await self.fetch_value("SELECT 1")

    async def listen(self, channel: str, on_message: Callable[[str], None], on_lost: Callable[[], None]) -> None:
        """Call `on_message` with the payload of every notification, and `on_lost` when the connection is."""
        self._raw.add_termination_listener(lambda _: on_lost())
        try:
            await self._raw.add_listener(channel, lambda _connection, _pid, _channel, payload: on_message(payload))
        except _ERRORS as error:
            raise Unavailable("The database is unavailable; try again.") from error


@asynccontextmanager
async def open_session(url: str, *, name: str) -> AsyncIterator[Session]:
    """A connection that is closed at the end of the block, and with it everything that it holds. Raises Unavailable."""
    try:
        raw = await asyncpg.connect(
            url,
            timeout=_CONNECT_TIMEOUT_SECONDS,
            command_timeout=_STATEMENT_TIMEOUT_SECONDS,
            server_settings={"application_name": f"pantherahive {name}"},
        )
    except _ERRORS as error:
        raise Unavailable("The database is unavailable; try again.") from error
    try:
        yield Session(raw)
    finally:
        try:
            async with asyncio.timeout(_CLOSE_TIMEOUT_SECONDS):
                await raw.close()
        except _ERRORS:
            raw.terminate()
