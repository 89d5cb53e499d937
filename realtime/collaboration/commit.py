"""Group commit: what all rooms of the process collected in a tick becomes durable in one transaction.

Transactions begin no more often than once in a tick, and the first edit after a pause begins one at once: a lone typist waits for
a commit, and a crowd shares what a tick collects. What fails is told to the rooms whole: nothing of it was acknowledged.

Rejected: to wait for a tick after the first edit (all of it for everybody, and with an edit every 20 ms nothing is shared); to
begin the next transaction when the last one ends (several in a tick, each of which is sent to everybody); to acknowledge after
one transaction and tell everybody after every second (reckoned from what each part costs: fewer writes to visitors, but each pair
of transactions wakes the process once more, some 250 µs for 200 visitors' 1,000, and the last visitor hears later than with
peers).
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import Final, Protocol

from domain.document.update import Placed, Update
from domain.errors import DomainError, IdempotencyMismatch, Unavailable

logger = logging.getLogger(__name__)

UPDATES_AT_ONCE: Final = 2_000
UPDATES_OF_ONE: Final = 500
BYTES_AT_ONCE: Final = 8 * 1024 * 1024
BYTES_OF_ONE: Final = 512 * 1024  # so that what a room tells at once does not fill its visitors' outboxes
_TIMEOUT: Final = 8.0

Answer = Placed | DomainError


class Log(Protocol):
    """Where updates become durable."""

    async def append(self, updates: Sequence[Update], /) -> Sequence[Placed | IdempotencyMismatch]:
        """Keep updates of any documents in one transaction; durable when this returns. Raises `Unavailable`."""


class Source(Protocol):
    """A room, as its edits are collected."""

    def collect(self, count: int, size: int) -> Sequence[Update]:
        """Up to so many edits, of no more than so many bytes once there is one; they are under way from now on."""

    def committed(self, answers: Sequence[Answer]) -> None:
        """What came of what was collected last."""

    @property
    def has_more(self) -> bool:
        """Whether there is something to collect."""


class Committer:
    """Collects from rooms and commits, over and over."""

    def __init__(self, log: Log, *, tick: float) -> None:
        self._log = log
        self._tick = tick
        self._waiting: dict[Source, None] = {}
        self._something = asyncio.Event()

    def submit(self, source: Source) -> None:
        """The room has edits to be collected."""
        self._waiting[source] = None
        self._something.set()

    @property
    def is_waiting(self) -> bool:
        """Whether a room has something to commit."""
        return bool(self._waiting)

    async def run(self) -> None:
        """For ever."""
        loop = asyncio.get_running_loop()
        next_at = loop.time()
        while True:
            await self._something.wait()
            await asyncio.sleep(max(0.0, next_at - loop.time()))
            self._something.clear()
            next_at = loop.time() + self._tick
            while await self.commit():
                pass
            if self._waiting:
                self._something.set()

    async def commit(self) -> bool:
        """One transaction; whether it was too small for what was waiting when it began."""
        sources: list[tuple[Source, int]] = []
        updates: list[Update] = []
        left = BYTES_AT_ONCE
        for source in list(self._waiting):
            if len(updates) >= UPDATES_AT_ONCE or left <= 0:
                break
            del self._waiting[source]
            some = source.collect(min(UPDATES_OF_ONE, UPDATES_AT_ONCE - len(updates)), min(BYTES_OF_ONE, left))
            sources.append((source, len(some)))
            updates += some
            left -= sum(len(each.data) for each in some)
        left_over = bool(self._waiting) or any(source.has_more for source, _ in sources)
        answers = await self._append(updates) if updates else ()
        start = 0
        for source, count in sources:
            source.committed(answers[start : start + count])
            start += count
            if source.has_more:
                self.submit(source)
        return left_over

    async def _append(self, updates: Sequence[Update]) -> Sequence[Answer]:
        try:
            async with asyncio.timeout(_TIMEOUT):
                return await self._log.append(updates)
        except (Unavailable, TimeoutError):
            return [Unavailable("The edit could not be kept now; try again.")] * len(updates)
        except Exception:
            logger.exception("%d edits could not be kept.", len(updates))
            return [Unavailable("The edit could not be kept; try again.")] * len(updates)
