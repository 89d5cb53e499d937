"""Keeps the stores in order, in the worker that leads: cleanup of blobs, retention of events, idempotency keys and tokens,
compaction of ranks and documents, what waits for the search index, and the indices of OpenSearch where they are missing.

A job skips the objects that fail and tries them again later. A job that fails as a whole is logged, counted and tried again after
a pause that doubles up to its usual one; it never ends the others. All bear being done by two workers at once, and being
interrupted anywhere.

Orphaned blobs in a bucket are left to `server.py blobs sweep`: finding them lists the bucket, which costs money. In a folder they
are looked for once an hour.
"""

import asyncio
import itertools
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

from domain.errors import Unavailable
from persistence.blob_cleanup import clean_up_blobs
from persistence.blobs.local import LocalBlobs
from persistence.events.idempotency import delete_expired_keys
from persistence.events.retention import trim_events
from persistence.rank_compaction import compact_all_ranks, delete_old_ranks
from persistence.retry_schedule import RetrySchedule
from persistence.search.rebuild import count_queued, work_off
from persistence.stores.account_token import delete_expired_tokens
from realtime.backoff import jitter
from workers.consumer import Consumer
from workers.leader import Duty
from workers.services import WorkerServices

BLOB_CLEANUP_SECONDS: Final = 300.0
RETENTION_SECONDS: Final = 3600.0
RANK_COMPACTION_SECONDS: Final = 1.0  # a place that is used 500 times a second grows by 100 characters meanwhile
SEARCH_INDEX_SECONDS: Final = 2.0
SEARCH_ENGINE_SECONDS: Final = 5.0
_MAX_INDEXED_BATCHES: Final = 20  # a turn
_FIRST_RETRY_SECONDS: Final = 5.0
_ORPHANS_EVERY_TURNS: Final = 12

logger = logging.getLogger(__name__)

Job = Callable[[int], Awaitable[object]]
"""Does one turn; takes its number, from 1."""


@dataclass(frozen=True, slots=True)
class Retries:
    """What failed in the background and is tried again, whole turns by the name of their job, blobs by key, streams by name; and
    how much waits for a job, by its name."""

    failed_turns: Counter[str] = field(default_factory=Counter)
    blobs: RetrySchedule[str] = field(default_factory=RetrySchedule)
    streams: RetrySchedule[str] = field(default_factory=RetrySchedule)
    queue_lengths: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True, kw_only=True)
class UpkeepSettings:
    """How long events are kept (0: for ever), how often documents that rest are looked for, and the address of the database."""

    event_retention_days: int
    settle_seconds: float
    url: str


def upkeep_duties(
    services: WorkerServices, consumers: Sequence[Consumer], settings: UpkeepSettings, retries: Retries
) -> list[Duty]:
    """All jobs, as duties of the leader."""
    database, blobs = services.database, services.blobs
    in_folder = isinstance(blobs, LocalBlobs)

    async def clean_blobs(turn: int) -> None:
        orphans = in_folder and turn % _ORPHANS_EVERY_TURNS == 0
        await clean_up_blobs(database, blobs, datetime.now(UTC), orphans=orphans, retries=retries.blobs)

    async def apply_retention(_: int) -> None:
        now = datetime.now(UTC)
        await delete_expired_keys(database, now)
        await delete_expired_tokens(database, now)
        await delete_old_ranks(database, now)
        if settings.event_retention_days:
            before = now - timedelta(days=settings.event_retention_days)
            readers = [(each.name, kind) for each in consumers for kind in sorted(each.streams)]
            await trim_events(database, before=before, readers=readers, retries=retries.streams)

    async def compact_ranks(_: int) -> None:
        await compact_all_ranks(database, services.announcer, services.document_objects)

    async def compact_documents(_: int) -> None:
        await services.compaction.compact_all()

    async def index_queued(_: int) -> None:
        for _ in range(_MAX_INDEXED_BATCHES):
            if not await work_off(database):
                break
        retries.queue_lengths["search"] = await count_queued(database)

    jobs: list[tuple[str, Job, float]] = [
        ("Cleanup of blobs", clean_blobs, BLOB_CLEANUP_SECONDS),
        ("Retention", apply_retention, RETENTION_SECONDS),
        ("Compaction of ranks", compact_ranks, RANK_COMPACTION_SECONDS),
        ("Compaction of documents", compact_documents, settings.settle_seconds),
        ("Search index", index_queued, SEARCH_INDEX_SECONDS),
    ]
    if (engine := services.search_engine) is not None:
        from persistence.search.opensearch.rebuild import keep_built  # with its client

        async def build_indices(_: int) -> None:
            await keep_built(database, engine, settings.url)

        jobs.append(("OpenSearch", build_indices, SEARCH_ENGINE_SECONDS))
    return [(name, partial(run_forever, name, job, seconds, retries.failed_turns)) for name, job, seconds in jobs]


async def run_forever(name: str, job: Job, seconds: float, failed_turns: Counter[str]) -> None:
    """Run a job after every pause of about so many seconds; sooner after a failure, which is counted under the job's name."""
    failures = 0
    for turn in itertools.count(1):
        pause = min(seconds, _FIRST_RETRY_SECONDS * 2.0 ** min(failures - 1, 32)) if failures else seconds
        await asyncio.sleep(jitter(pause))
        try:
            await job(turn)
        except Unavailable as error:
            logger.warning("%s failed and is tried again later: %s", name, error)
        except Exception:  # the next turn may do what this one could not
            logger.exception("%s failed and is tried again later.", name)
        else:
            failures = 0
            continue
        failures += 1
        failed_turns[name] += 1
