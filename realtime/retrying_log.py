"""Reads the log behind the announcements, and tries again while the database is away.

The stores implement `EventLog` over the table of events. `RetryingLog` adds what all its readers here need: few reads at a time,
a timeout, and retries without end.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, Protocol, TypeVar

from domain.errors import CursorExpired
from domain.events import Entry
from realtime.backoff import Backoff

logger = logging.getLogger(__name__)

PAGE_ENTRIES: Final = 128
MAX_CONCURRENT_READS: Final = 8
_INITIAL_BACKOFF_SECONDS: Final = 0.05
_MAX_BACKOFF_SECONDS: Final = 5.0

T = TypeVar("T")


class EventLog(Protocol):
    """The committed entries of all streams. Every call sees what was committed before it."""

    async def read(self, stream: str, after: int, limit: int) -> Sequence[Entry]:
        """The entries at `after + 1`, `after + 2` …, at most `limit` of them; none if there are no more.

        Raises `CursorExpired`, or begins later than `after + 1`, when the log no longer reaches back that far.
        """
        ...

    async def heads(self, streams: Sequence[str]) -> Mapping[str, int]:
        """The last position of each stream, in one query; a stream without entries is missing or 0."""
        ...


class RetryingLog:
    """Reads the log, 8 reads at a time; `read_page` and `heads_with_retry` never fail because the database is away."""

    def __init__(self, log: EventLog, *, timeout_seconds: float) -> None:
        self._log = log
        self._timeout_seconds = timeout_seconds
        self._semaphore = asyncio.Semaphore(MAX_CONCURRENT_READS)

    async def read_page(self, stream: str, after: int) -> Sequence[Entry]:
        """The next entries after a position, without a gap; none at the end. Raises only `CursorExpired`."""
        page = await self._retry(lambda: self._log.read(stream, after, PAGE_ENTRIES), stream)
        if page and page[0].position != after + 1:
            raise CursorExpired
        for expected, entry in enumerate(page, after + 1):
            if entry.position != expected:
                logger.error("The log of %s has a gap at %d.", stream, expected)
                return page[: expected - after - 1]
        return page

    async def heads(self, streams: Sequence[str]) -> Mapping[str, int]:
        """The last position of each stream: one attempt, which raises what the log raises, or `TimeoutError`."""
        return await self._attempt(lambda: self._log.heads(streams))

    async def heads_with_retry(self, streams: Sequence[str]) -> Mapping[str, int]:
        """The last position of each stream, however long it takes."""
        return await self._retry(lambda: self._log.heads(streams), f"{len(streams)} streams")

    async def _attempt(self, read: Callable[[], Awaitable[T]]) -> T:
        async with self._semaphore, asyncio.timeout(self._timeout_seconds):
            return await read()

    async def _retry(self, read: Callable[[], Awaitable[T]], subject: str) -> T:
        backoff = Backoff(_INITIAL_BACKOFF_SECONDS, _MAX_BACKOFF_SECONDS)
        while True:
            try:
                return await self._attempt(read)
            except CursorExpired:
                raise
            except Exception:  # whatever a database can raise: giving up would lose entries
                logger.warning("The log of %s cannot be read; trying again.", subject, exc_info=True)
            await backoff.wait()
