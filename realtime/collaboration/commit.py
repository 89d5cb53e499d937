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

from domain.document.update import Appended, Update
from domain.errors import DomainError, IdempotencyMismatch, Unavailable

logger = logging.getLogger(__name__)

MAX_TRANSACTION_UPDATES: Final = 2_000
MAX_SOURCE_UPDATES: Final = 500
MAX_TRANSACTION_BYTES: Final = 8 * 1024 * 1024
MAX_SOURCE_BYTES: Final = 512 * 1024  # so that what a room tells at once does not fill its visitors' outboxes
_COMMIT_TIMEOUT_SECONDS: Final = 8.0

CommitResult = Appended | DomainError


class UpdateLog(Protocol):
    """Where updates become durable."""

    async def append(self, updates: Sequence[Update], /) -> Sequence[Appended | IdempotencyMismatch]:
        """Keep updates of any documents in one transaction; durable when this returns. Raises `Unavailable`."""


class UpdateSource(Protocol):
    """A room, as its edits are collected."""

    def drain(self, max_updates: int, max_bytes: int) -> Sequence[Update]:
        """Up to so many edits, of no more than so many bytes once there is one; they are under way from now on."""

    def on_committed(self, results: Sequence[CommitResult]) -> None:
        """What came of what was collected last."""

    @property
    def has_more(self) -> bool:
        """Whether there is something to collect."""


class GroupCommitter:
    """Collects from rooms and commits, over and over."""

    def __init__(self, log: UpdateLog, *, interval_seconds: float) -> None:
        self._log = log
        self._interval_seconds = interval_seconds
        self._pending_sources: dict[UpdateSource, None] = {}
        self._has_updates = asyncio.Event()

    def submit(self, source: UpdateSource) -> None:
        """The room has edits to be collected."""
        self._pending_sources[source] = None
        self._has_updates.set()

    @property
    def has_pending(self) -> bool:
        """Whether a room has something to commit."""
        return bool(self._pending_sources)

    async def run(self) -> None:
        """For ever."""
        loop = asyncio.get_running_loop()
        next_at = loop.time()
        while True:
            await self._has_updates.wait()
            await asyncio.sleep(max(0.0, next_at - loop.time()))
            self._has_updates.clear()
            next_at = loop.time() + self._interval_seconds
            while await self.commit():
                pass
            if self._pending_sources:
                self._has_updates.set()

    async def commit(self) -> bool:
        """One transaction; whether it was too small for what was waiting when it began."""
        sources: list[tuple[UpdateSource, int]] = []
        updates: list[Update] = []
        left = MAX_TRANSACTION_BYTES
        for source in list(self._pending_sources):
            if len(updates) >= MAX_TRANSACTION_UPDATES or left <= 0:
                break
            del self._pending_sources[source]
            some = source.drain(min(MAX_SOURCE_UPDATES, MAX_TRANSACTION_UPDATES - len(updates)), min(MAX_SOURCE_BYTES, left))
            sources.append((source, len(some)))
            updates += some
            left -= sum(len(each.data) for each in some)
        left_over = bool(self._pending_sources) or any(source.has_more for source, _ in sources)
        answers = await self._append(updates) if updates else ()
        start = 0
        for source, count in sources:
            source.on_committed(answers[start : start + count])
            start += count
            if source.has_more:
                self.submit(source)
        return left_over

    async def _append(self, updates: Sequence[Update]) -> Sequence[CommitResult]:
        try:
            async with asyncio.timeout(_COMMIT_TIMEOUT_SECONDS):
                return await self._log.append(updates)
        except (Unavailable, TimeoutError):
            return [Unavailable("The edit could not be kept now; try again.")] * len(updates)
        except Exception:
            logger.exception("%d edits could not be kept.", len(updates))
            return [Unavailable("The edit could not be kept; try again.")] * len(updates)
