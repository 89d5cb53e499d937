"""Carries names between processes by NOTIFY: every worker that listens receives every name.

A notification is sent in a transaction of its own, after the commit that it tells of: inside it, all commits of the database
would wait for each other (Postgres keeps notifications in the order of commits by a lock). Sender and receiver have a connection
each, outside the pool, opened when it is first used.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

from domain.errors import Unavailable
from persistence.engine.session import Session, open_session
from persistence.queue.port import Received
from persistence.workers.backoff import full_jitter

CHANNEL: Final = "pantherahive_work"
MAX_WAITING_NAMES: Final = 10_000
_MAX_PAYLOAD_BYTES: Final = 7_900  # Postgres takes less than 8,000
_PING_SECONDS: Final = 5.0
_FIRST_PAUSE_SECONDS, _MAX_PAUSE_SECONDS = 0.2, 5.0
_NOTIFY: Final = "SELECT pg_notify($1, $2)::text"
logger = logging.getLogger(__name__)


class PostgresQueue:
    """Implements `persistence.queue.port.WorkQueue` over one Postgres."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._stack = AsyncExitStack()
        self._session: Session | None = None

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str) -> AsyncIterator["PostgresQueue"]:
        """A queue over the Postgres of an address; nothing is opened yet."""
        queue = cls(url)
        try:
            yield queue
        finally:
            await queue._disconnect()

    async def send(self, names: Sequence[str]) -> None:
        """Notify those who listen; nobody may. Not to be called again before it has returned."""
        try:
            if self._session is None or self._session.is_closed:
                await self._disconnect()
                self._session = await self._stack.enter_async_context(open_session(self._url, name="wake-ups"))
            for payload in _payloads(names):
                await self._session.fetch_value(_NOTIFY, CHANNEL, payload)
        except Unavailable:
            await self._disconnect()
            raise

    @asynccontextmanager
    async def receive(self) -> AsyncIterator[AsyncIterator[Received]]:
        """Listen during the block. While the connection is lost, names are lost."""
        waiting: dict[str, None] = {}
        news = asyncio.Event()

        def on_message(payload: str) -> None:
            for name in payload.split(","):
                if len(waiting) < MAX_WAITING_NAMES:
                    waiting[name] = None
            news.set()

        listener = asyncio.get_running_loop().create_task(self._listen(on_message), name="listen for work")
        try:
            yield _received(waiting, news)
        finally:
            listener.cancel()
            await asyncio.wait([listener])

    async def _listen(self, on_message: Callable[[str], None]) -> None:
        failures = 0
        while True:
            try:
                async with open_session(self._url, name="worker listens") as session:
                    lost = asyncio.Event()
                    await session.listen(CHANNEL, on_message, lost.set)
                    failures = 0
                    while not lost.is_set():
                        try:
                            async with asyncio.timeout(_PING_SECONDS):
                                await lost.wait()
                        except TimeoutError:
                            await session.ping()
            except Unavailable as error:
                if not failures:
                    logger.warning("Notifications of work cannot be received for now: %s", error.__cause__ or error)
            failures += 1
            await asyncio.sleep(full_jitter(failures, _FIRST_PAUSE_SECONDS, _MAX_PAUSE_SECONDS))

    async def _disconnect(self) -> None:
        self._session = None
        await self._stack.aclose()


async def _received(waiting: dict[str, None], news: asyncio.Event) -> AsyncIterator[Received]:
    while True:
        await news.wait()
        news.clear()
        names = list(waiting)
        waiting.clear()
        yield Received(names, _nothing)


async def _nothing() -> None:
    """A notification is not delivered again."""


def _payloads(names: Sequence[str]) -> list[str]:
    """The names, joined by commas, in texts that fit into a notification."""
    payloads = [""]
    for name in names:
        joined = f"{payloads[-1]},{name}" if payloads[-1] else name
        if len(joined.encode()) > _MAX_PAYLOAD_BYTES:
            payloads.append(name)
        else:
            payloads[-1] = joined
    return payloads
