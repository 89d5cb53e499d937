"""A consumer: a function that is called with every event of the streams that it reads, in order, after the commit.

To add one, write a module in `workers/consumers`:

    @consumer(name="birthdays", types=("TaskCreated",))
    async def congratulate(batch: Batch) -> None:
        for entry in batch.entries:
            await batch.uow.connection.execute(_INSERT, id=derived_id(entry.id, "birthday"), task_id=entry.entity_id)

and name it in the table `workers.consumers.CONSUMERS`. That is all: the worker keeps a cursor for each consumer and stream.

The function runs in the transaction that moves the cursor. What it writes through `batch.uow` is committed with the cursor or not
at all, so it has happened once, however often the function was called. What it records (`batch.uow.record`) is appended to its
stream in the same commit and announced after it. What it does elsewhere may happen again: it belongs into a job
(`batch.jobs.add`, see `workers.job`), whose id derives from the event.

An exception undoes the batch. Its events are then tried one by one; the one that fails is tried again after pauses that double,
while later events of its stream wait and everything else goes on. After `max_tries` it becomes a dead letter; one that ends its
worker (by a fault of the interpreter, or for want of memory) after `max_deaths`, since each attempt is counted before it begins.
"""

import math
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from domain.events import Entry
from persistence.unit_of_work import SqlUnitOfWork
from workers.job import JobWriter
from workers.services import WorkerServices

HANDLER_TIMEOUT_SECONDS: Final = 10.0  # less than Postgres lets a transaction be idle
MAX_TRIES: Final = 8
MAX_DEATHS: Final = 3
MAX_UNAVAILABLE_TRIES: Final = 100
"""A service that is away fails every event: hours are waited for it."""
MAX_BATCH_ENTRIES: Final = 100


class Start(StrEnum):
    """Where a consumer begins that was not there before."""

    NOW = "NOW"
    BEGINNING = "BEGINNING"


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Entries of one stream, in order, at most `max_batch` and at least one, with the transaction in which they are handled."""

    entries: Sequence[Entry]
    uow: SqlUnitOfWork
    jobs: JobWriter
    services: WorkerServices


Handler = Callable[[Batch], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Consumer:
    """
    What a consumer reads, and what it does.

    `name` is that of its cursors: it may never change. `streams` are the kinds of streams that it reads: `team` and `user`;
    `types` the types of events, None for all. After a failure it pauses for `max_retry_seconds` at most, where that is less than
    what the worker would. What fails `max_unavailable_tries` times because a service is away is given up; None: never.
    """

    name: str
    handle: Handler
    streams: frozenset[str] = frozenset({"team"})
    types: frozenset[str] | None = None
    start: Start = Start.NOW
    max_batch: int = MAX_BATCH_ENTRIES
    max_tries: int = MAX_TRIES
    max_deaths: int = MAX_DEATHS
    max_retry_seconds: float = math.inf
    max_unavailable_tries: int | None = MAX_UNAVAILABLE_TRIES

    def reads(self, stream: str) -> bool:
        """Whether it reads a stream, by its name."""
        return stream.partition(":")[0] in self.streams


def consumer(
    *,
    name: str,
    streams: Collection[str] = ("team",),
    types: Collection[str] | None = None,
    start: Start = Start.NOW,
    max_batch: int = MAX_BATCH_ENTRIES,
    max_tries: int = MAX_TRIES,
    max_retry_seconds: float = math.inf,
    max_unavailable_tries: int | None = MAX_UNAVAILABLE_TRIES,
) -> Callable[[Handler], Consumer]:
    """Make a consumer of a function (see `Consumer`)."""

    def of(handle: Handler) -> Consumer:
        return Consumer(
            name=name,
            handle=handle,
            streams=frozenset(streams),
            types=None if types is None else frozenset(types),
            start=start,
            max_batch=max_batch,
            max_tries=max_tries,
            max_retry_seconds=max_retry_seconds,
            max_unavailable_tries=max_unavailable_tries,
        )

    return of
