"""Group commit: makes durable in one transaction what all rooms of the process collected in a tick.

The first edit after a pause begins a transaction at once, so a lone typist waits for one commit. An edit that comes less than a
tick after a transaction began has others near it: it begins a tick, and all that come within that share a transaction. Where a
transaction fails, all its edits are answered so: nothing of it was acknowledged. A room with an edit of more than
`MAX_SOURCE_BYTES` gets a transaction of its own, for which the others do not wait.

Rejected: a tick after every edit (with an edit every 20 ms nothing is shared, and each waits); ticks that begin with the last
transaction (of edits every 4 ms two share one, where three do now, and each costs a write to everybody); beginning the next
transaction when the last one ends (several in a tick); acknowledging after one transaction and sending after every second (fewer
writes to participants, but each pair of transactions wakes the process once more, some 250 µs for 200 participants' 1,000, and
the last participant gets edits later than with peers).
"""

import asyncio
import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from domain.document.update import Appended, Update
from domain.errors import DomainError, IdempotencyMismatch, Unavailable
from realtime.background_tasks import BackgroundTasks
from transport.message_gate import MessageGate

logger = logging.getLogger(__name__)

MAX_TRANSACTION_UPDATES: Final = 2_000
MAX_SOURCE_UPDATES: Final = 500
MAX_TRANSACTION_BYTES: Final = 8 * 1024 * 1024
MAX_SOURCE_BYTES: Final = 512 * 1024  # so that what a room sends at once does not fill the send queues of its participants
_COMMIT_TIMEOUT_SECONDS: Final = 8.0
_LARGE_COMMIT_TIMEOUT_SECONDS: Final = 30.0

CommitResult = Appended | DomainError
OnDone = Callable[[CommitResult], None]


@dataclass(slots=True)
class PendingUpdate:
    """An edit on its way to the log; one without an update changes nothing, and is answered when those before it are durable."""

    update: Update | None
    on_done: OnDone | None


class UpdateLog(Protocol):
    """Where updates become durable."""

    async def append(self, updates: Sequence[Update], /) -> Sequence[Appended | IdempotencyMismatch]:
        """Append updates of any documents in one transaction; durable when this returns. Raises `Unavailable`."""


class UpdateSource(Protocol):
    """A room, as its edits are collected."""

    def drain(self, max_updates: int, max_bytes: int) -> Sequence[Update]:
        """The next edits: at most so many, and of no more bytes once there is one; they are in flight until `on_committed`."""

    def on_committed(self, results: Sequence[CommitResult]) -> None:
        """The results of the edits in flight, in their order."""

    @property
    def has_more(self) -> bool:
        """Whether edits wait to be drained."""


class GroupCommitter:
    """Collects from rooms and commits, over and over."""

    def __init__(self, log: UpdateLog, *, interval_seconds: float, gate: MessageGate | None = None) -> None:
        """`gate` is closed during a tick: what arrives is read, checked and applied at its end."""
        self._log = log
        self._gate = gate or MessageGate()
        self._interval_seconds = interval_seconds
        self._pending_sources: dict[UpdateSource, None] = {}
        self._in_large_commit: set[UpdateSource] = set()
        self._large_commits = BackgroundTasks()
        self._has_updates = asyncio.Event()
        self._first_at = 0.0  # when the first of what is pending came

    def submit(self, source: UpdateSource) -> None:
        """Collect from a room that has edits."""
        if source in self._in_large_commit:
            return  # submitted when that is done
        if not self._pending_sources:
            self._first_at = asyncio.get_running_loop().time()
        self._pending_sources[source] = None
        self._has_updates.set()

    async def run(self) -> None:
        """Commit for ever."""
        loop = asyncio.get_running_loop()
        begun_at = -math.inf
        while True:
            await self._has_updates.wait()
            if self._first_at < begun_at + self._interval_seconds:
                await self._collect(self._first_at + self._interval_seconds - loop.time())
            self._has_updates.clear()
            begun_at = loop.time()
            while await self.commit():
                pass
            if self._pending_sources:
                self._has_updates.set()

    async def _collect(self, seconds: float) -> None:
        self._gate.close()
        try:
            await asyncio.sleep(max(0.0, seconds))
        finally:
            self._gate.open()
        await asyncio.sleep(0)  # those who waited there have their turn

    async def finish(self) -> None:
        """Commit everything that is pending, after `run` was cancelled."""
        while self._pending_sources or self._in_large_commit:
            await self.commit()
            await asyncio.sleep(0.01 if self._in_large_commit else 0)
        await self._large_commits.cancel_all()

    async def commit(self) -> bool:
        """Commit one transaction; whether edits that waited when it began are left."""
        sources: list[tuple[UpdateSource, int]] = []
        updates: list[Update] = []
        left = MAX_TRANSACTION_BYTES
        for source in list(self._pending_sources):
            if len(updates) >= MAX_TRANSACTION_UPDATES or left <= 0:
                break
            del self._pending_sources[source]
            drained = source.drain(min(MAX_SOURCE_UPDATES, MAX_TRANSACTION_UPDATES - len(updates)), min(MAX_SOURCE_BYTES, left))
            size = sum(len(each.data) for each in drained)
            if size > 2 * MAX_SOURCE_BYTES:
                self._in_large_commit.add(source)
                self._large_commits.start(self._commit_large(source, drained), "rooms: large commit")
                continue
            sources.append((source, len(drained)))
            updates += drained
            left -= size
        is_more_left = bool(self._pending_sources) or any(source.has_more for source, _ in sources)
        results = await self._append(updates, _COMMIT_TIMEOUT_SECONDS) if updates else ()
        start = 0
        for source, count in sources:
            source.on_committed(results[start : start + count])
            start += count
            if source.has_more:
                self.submit(source)
        return is_more_left

    async def _commit_large(self, source: UpdateSource, updates: Sequence[Update]) -> None:
        results = await self._append(updates, _LARGE_COMMIT_TIMEOUT_SECONDS)
        self._in_large_commit.discard(source)
        source.on_committed(results)
        if source.has_more:
            self.submit(source)

    async def _append(self, updates: Sequence[Update], timeout_seconds: float) -> Sequence[CommitResult]:
        try:
            async with asyncio.timeout(timeout_seconds):
                return await self._log.append(updates)
        except (Unavailable, TimeoutError):
            return [Unavailable("The edit could not be saved now; try again.")] * len(updates)
        except Exception:
            logger.exception("%d edits could not be saved.", len(updates))
            return [Unavailable("The edit could not be saved; try again.")] * len(updates)
