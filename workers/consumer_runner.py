"""Runs one consumer: takes streams that have new events, a few at a time, and works each off in order.

A stream is read to its end by one task of one worker at a time, since its cursor is locked meanwhile; other streams are read by
other tasks and workers. After some batches a stream goes to the end of the queue, so that a busy one does not keep others
waiting. Consumers share no tasks: one that hangs, or fails all the time, delays nobody else.

What failed is remembered in the row of its cursor, with the time of the next try, so that a restart or another worker neither
repeats it at once nor forgets it.
"""

import asyncio
import itertools
import logging
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from domain.errors import Unavailable
from domain.events import Entry
from persistence.workers import cursors, dead_letters
from persistence.workers.attempts import count_attempt
from persistence.workers.backoff import full_jitter
from realtime.backoff import jitter
from workers.consumer import Batch, Consumer, Start
from workers.job import Work, open_work
from workers.metrics import ConsumerMetrics
from workers.services import WorkerServices
from workers.timings import WorkerTimings

MAX_WAITING_STREAMS: Final = 10_000
_BATCHES_IN_A_ROW: Final = 10
_READ_TO_THE_END: Final = -1.0
logger = logging.getLogger(__name__)


class HandlerTimedOut(Exception):
    """A consumer's function took too long; what it did was undone."""


@dataclass(slots=True)
class _Attempt:
    """How far one batch has come: the cursor that was claimed, its entries, the positions before and after them, and whether
    there are more."""

    claim: cursors.Claim | None = None
    entries: Sequence[Entry] = ()
    after: int = 0
    to: int = 0
    has_more: bool = False


class ConsumerRunner:
    """One consumer in one worker. Streams beyond 10,000 that wait are dropped: the leading worker finds them again."""

    def __init__(
        self, consumer: Consumer, services: WorkerServices, timings: WorkerTimings, metrics: ConsumerMetrics, *, tasks: int
    ) -> None:
        self.consumer = consumer
        self._services = services
        self._timings = timings
        self._metrics = metrics
        self._task_count = tasks
        self._types = None if consumer.types is None else sorted(consumer.types)
        self._ready: dict[str, None] = {}
        self._busy: dict[str, bool] = {}
        """Streams that are being read, and whether there is news since."""
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._single_until: dict[str, int] = {}
        """Positions up to which the events of a failed batch are tried one by one."""
        self._survived: dict[str, tuple[int, int]] = {}
        """Attempts after a position that this worker survived, though no failure was recorded for them."""
        self._news = asyncio.Event()
        self._outages = 0
        self._stopping = False

    @property
    def name(self) -> str:
        """For logs."""
        return f"consumer {self.consumer.name}"

    def wake(self, stream: str) -> None:
        """Have a stream read that may have new events."""
        if stream in self._busy:
            self._busy[stream] = True
        elif self.consumer.reads(stream) and len(self._ready) < MAX_WAITING_STREAMS:
            self._ready[stream] = None
            self._news.set()

    async def register(self) -> None:
        """Make the consumer known, which decides where it begins; the database is waited for. Before `run`."""
        for failures in itertools.count(1):
            try:
                await cursors.register(self._services.database, self.consumer.name, from_now=self.consumer.start is Start.NOW)
            except Unavailable as error:
                logger.warning("The consumer %s cannot begin yet: %s", self.consumer.name, error.__cause__ or error)
                await asyncio.sleep(self._pause(failures))
            else:
                return

    async def run(self) -> None:
        """Work until `stop` is called."""
        async with asyncio.TaskGroup() as tasks:
            for number in range(self._task_count):
                tasks.create_task(self._work(), name=f"consumer {self.consumer.name} {number}")

    def stop(self) -> None:
        """Begin nothing more; what is under way is finished."""
        self._stopping = True
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        self._news.set()

    async def _work(self) -> None:
        while (stream := await self._next_stream()) is not None:
            self._busy[stream] = False
            try:
                more = await self._read_stream(stream)
            finally:
                news = self._busy.pop(stream)
            if more or news:
                self.wake(stream)

    async def _next_stream(self) -> str | None:
        """The stream that has waited longest; None when the runner stops."""
        while not self._stopping:
            if self._ready:
                stream = next(iter(self._ready))
                del self._ready[stream]
                return stream
            self._news.clear()
            await self._news.wait()
        return None

    async def _read_stream(self, stream: str) -> bool:
        """Work off some batches of a stream; whether there may be more."""
        for _ in range(_BATCHES_IN_A_ROW):
            if self._stopping:
                return False
            try:
                outcome = await self._handle_batch(stream)
            except Unavailable as error:
                self._outages += 1
                if self._outages == 1:
                    logger.warning("The consumer %s waits for the database: %s", self.consumer.name, error.__cause__ or error)
                outcome = self._pause(self._outages)
            except Exception:  # of an entry that this version cannot read, say: others go on
                logger.exception("The consumer %s cannot read %s, and tries again.", self.consumer.name, stream)
                outcome = self._timings.max_retry_seconds
            else:
                self._outages = 0
            if outcome is None:
                continue
            if outcome is not _READ_TO_THE_END:
                self._wake_later(stream, outcome)
            return False
        return True

    async def _handle_batch(self, stream: str) -> float | None:
        """Handle the next entries of a stream: None when there may be more, else the pause until the next look."""
        attempt = _Attempt()
        try:
            pause = await self._try_batch(stream, attempt)
        except Exception as error:  # whatever the function raises, there or at the commit: undone, and tried again
            if attempt.claim is None or not attempt.entries:
                raise
            return await self._on_failure(stream, attempt.claim, attempt.entries, error)
        return await self._on_no_claim(stream) if attempt.claim is None else pause

    async def _try_batch(self, stream: str, attempt: _Attempt) -> float | None:
        name = self.consumer.name
        async with open_work(self._services) as work:
            attempt.claim = claim = await cursors.claim(work.uow.connection, name, stream)
            if claim is None:
                return _READ_TO_THE_END
            if 0 < claim.wait_seconds <= self._timings.max_retry_seconds:  # a longer one is a clock that has jumped
                return claim.wait_seconds
            size = self.consumer.max_batch
            window = await cursors.read(work.uow.connection, stream, claim.position, size, self._types)
            if window.scanned_to is None:
                return _READ_TO_THE_END
            attempt.after = claim.position
            deaths = single_until = 0
            if window.entries:
                begun = await count_attempt(self._services.database, name, stream, claim.position, until=window.scanned_to)
                survived = claim.failures + self._survived_at(stream, claim.position)
                deaths, single_until = begun.count - 1 - survived, begun.single_until
            attempt.entries, attempt.to = self._batch_of(stream, claim, window, single_until)
            if deaths >= self.consumer.max_deaths and len(attempt.entries) == 1:
                await self._bury(work, stream, attempt.entries[0], deaths)
                return None
            attempt.has_more = attempt.to < window.scanned_to or window.scanned_to - claim.position >= size
            await self._call(attempt.entries, work)
            await cursors.advance(work.uow.connection, name, stream, attempt.to)
        self._metrics.entries += attempt.to - attempt.after
        self._survived.pop(stream, None)
        if self._single_until.get(stream, attempt.to + 1) <= attempt.to:
            del self._single_until[stream]
        return None if attempt.has_more else _READ_TO_THE_END

    def _batch_of(
        self, stream: str, claim: cursors.Claim, window: cursors.Window, single_until: int
    ) -> tuple[Sequence[Entry], int]:
        """The entries that are handled together, and the position that is reached with them: single ones after a failure."""
        assert window.scanned_to is not None
        single_until = max(single_until, self._single_until.get(stream, 0))
        if window.entries and (claim.failures or claim.position < single_until):
            return window.entries[:1], window.entries[0].position
        return window.entries, window.scanned_to

    async def _call(self, entries: Sequence[Entry], work: Work) -> None:
        if not entries:
            return
        seconds = self._timings.handler_timeout_seconds
        try:
            async with asyncio.timeout(seconds):
                batch = Batch(entries=entries, uow=work.uow, jobs=work.jobs, services=self._services)
                await self.consumer.handle(batch)
                await work.uow.flush_events()
        except TimeoutError as error:
            raise HandlerTimedOut(f"It took more than {seconds:g} s.") from error

    async def _on_no_claim(self, stream: str) -> float | None:
        match await cursors.create(self._services.database, self.consumer.name, stream):
            case cursors.Created.NEW:
                return None
            case cursors.Created.EXISTING:
                return jitter(self._timings.locked_retry_seconds)
            case cursors.Created.NO_STREAM:
                return _READ_TO_THE_END

    async def _on_failure(self, stream: str, claim: cursors.Claim, entries: Sequence[Entry], error: Exception) -> float | None:
        """Try the entries of a batch one by one; a single one later, or not any more."""
        is_outage = isinstance(error, Unavailable)  # which is no single event's fault
        if len(entries) > 1 and not is_outage:
            logger.info("The consumer %s fails on a batch of %s, and tries its events one by one.", self.consumer.name, stream)
            if len(self._single_until) < MAX_WAITING_STREAMS:
                self._single_until[stream] = entries[-1].position
                self._survive(stream, claim.position)
                return None
        failures = claim.failures + 1
        self._metrics.failures += 1
        limit = self.consumer.max_unavailable_tries if is_outage else self.consumer.max_tries
        message = "".join(traceback.format_exception_only(error)).strip()
        where = f"{stream} at {entries[0].position}"
        if limit is not None and failures >= limit:
            await self._give_up(stream, claim, entries[0], message)
            logger.error("The consumer %s gives up %s after %d tries: %s", self.consumer.name, where, failures, message)
            return None
        pause = self._pause(failures)
        try:
            await cursors.record_failure(
                self._services.database, self.consumer.name, stream, claim, delay_seconds=pause, error=message
            )
        except Unavailable:
            self._survive(stream, claim.position)
            raise
        logger.warning(
            "The consumer %s fails on %s, tried again in %.1f s (try %d of %s).",
            self.consumer.name,
            where,
            pause,
            failures,
            "any number" if limit is None else limit,
            exc_info=error if failures == 1 else None,
        )
        return pause

    async def _give_up(self, stream: str, claim: cursors.Claim, entry: Entry, message: str) -> None:
        """Store an entry as a dead letter, and move the cursor past it, unless another worker has moved it."""
        name = self.consumer.name
        async with self._services.database.begin() as connection:
            now = await cursors.claim(connection, name, stream)
            if now is None or now.position != claim.position:
                return
            letter = dead_letters.of_entry(name, entry, error=message, tries=claim.failures + 1, now=datetime.now(UTC))
            await dead_letters.add(connection, letter)
            await cursors.advance(connection, name, stream, entry.position)
        self._metrics.dead_letters += 1

    def _survive(self, stream: str, position: int) -> None:
        if stream in self._survived or len(self._survived) < MAX_WAITING_STREAMS:
            self._survived[stream] = position, self._survived_at(stream, position) + 1

    def _survived_at(self, stream: str, position: int) -> int:
        known, count = self._survived.get(stream, (position, 0))
        return count if known == position else 0

    async def _bury(self, work: Work, stream: str, entry: Entry, deaths: int) -> None:
        """Store an entry that ended its workers as a dead letter, and move the claimed cursor past it."""
        error = f"Its worker ended {deaths} times while it was handled, without an outcome."
        letter = dead_letters.of_entry(self.consumer.name, entry, error=error, tries=deaths, now=datetime.now(UTC))
        await dead_letters.add(work.uow.connection, letter)
        await cursors.advance(work.uow.connection, self.consumer.name, stream, entry.position)
        self._metrics.dead_letters += 1
        logger.error("The consumer %s gives up %s at %d: %s", self.consumer.name, stream, entry.position, error)

    def _pause(self, failures: int) -> float:
        longest = min(self._timings.max_retry_seconds, self.consumer.max_retry_seconds)
        return full_jitter(failures, self._timings.first_retry_seconds, longest)

    def _wake_later(self, stream: str, seconds: float) -> None:
        if (timer := self._timers.pop(stream, None)) is not None:
            timer.cancel()
        if not self._stopping and len(self._timers) < MAX_WAITING_STREAMS:
            self._timers[stream] = asyncio.get_running_loop().call_later(seconds, self._on_timer, stream)

    def _on_timer(self, stream: str) -> None:
        del self._timers[stream]
        self.wake(stream)
