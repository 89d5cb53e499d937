"""Sends the names of streams that have new events to the queue, soon after the commits that wrote them.

A commit marks a name, which costs it nothing. One task sends all marked names at once, and what is marked meanwhile goes with the
next, ten milliseconds later. So at most one message is under way, however many commits there are, and a server that writes all
the time does not pay a message and a commit of Postgres for each. Beyond 10,000 names the rest are dropped, since the
leading worker finds what no worker was notified of.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, Self

from domain.errors import Unavailable
from domain.events import Entry
from persistence.queue.port import WorkQueue
from persistence.workers.backoff import full_jitter

MAX_MARKED_NAMES: Final = 10_000
_BATCH_NAMES: Final = 100
INTERVAL_SECONDS: Final = 0.01
_CLOSE_TIMEOUT_SECONDS: Final = 0.5
_FIRST_PAUSE_SECONDS, _MAX_PAUSE_SECONDS = 0.1, 10.0
_KINDS: Final = ("team:", "user:", "audit:")
logger = logging.getLogger(__name__)


class WakeUpSender:
    """Marks names, and sends them in the background."""

    def __init__(self, queue: WorkQueue) -> None:
        self._queue = queue
        self._marked: dict[str, None] = {}
        self._has_names = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    @classmethod
    @asynccontextmanager
    async def open(cls, queue: WorkQueue) -> AsyncIterator[Self]:
        """Send until the block ends, and what is marked then for half a second more."""
        sender = cls(queue)
        task = asyncio.get_running_loop().create_task(sender._send_marked(), name="wake-ups")
        try:
            yield sender
        finally:
            try:
                async with asyncio.timeout(_CLOSE_TIMEOUT_SECONDS):
                    await sender._idle.wait()
            except TimeoutError:
                logger.info("Some wake-ups were not sent; the workers find out by themselves.")
            task.cancel()
            await asyncio.wait([task])

    def mark(self, name: str) -> None:
        """Let workers know soon that there is something to do. Never waits and never fails."""
        if len(self._marked) < MAX_MARKED_NAMES:
            self._marked[name] = None
            self._idle.clear()
            self._has_names.set()

    def mark_entry(self, entry: Entry) -> None:
        """The same for an entry that was committed, of a stream that consumers read."""
        if entry.stream.startswith(_KINDS):
            self.mark(entry.stream)

    async def _send_marked(self) -> None:
        failures = 0
        while True:
            if not self._marked:
                self._has_names.clear()
                self._idle.set()
                await self._has_names.wait()
            batch = list(self._marked)[:_BATCH_NAMES]
            for name in batch:
                del self._marked[name]
            try:
                await self._queue.send(batch)
            except Unavailable as error:
                if not failures:
                    logger.warning("Workers cannot be woken for now, and look by themselves: %s", error.__cause__ or error)
                failures += 1
                for name in batch:
                    self.mark(name)
                await asyncio.sleep(full_jitter(failures, _FIRST_PAUSE_SECONDS, _MAX_PAUSE_SECONDS))
            else:
                failures = 0
                if len(batch) < _BATCH_NAMES:
                    await asyncio.sleep(INTERVAL_SECONDS)
