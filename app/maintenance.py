"""Runs what the server does by itself, over and over: cleanup of blobs, retention of events, idempotency keys and tokens,
rotation of signing keys, compaction of ranks and documents.

A job skips the objects that fail and tries them again later. A job that fails as a whole is logged, counted and tried again after
a pause that doubles up to its usual one; it never ends the others. Turns are spread by a quarter, so that processes that start
together do not work in step.

Orphaned blobs in a bucket are left to `server.py blobs sweep`: finding them lists the bucket, which costs money. In a folder they
are looked for once an hour.
"""

import asyncio
import itertools
import logging
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Final

from app.bootstrap import Resources
from app.settings import Settings
from domain.errors import Unavailable
from persistence.blob_cleanup import clean_up_blobs
from persistence.blobs.local import LocalBlobs
from persistence.events.idempotency import delete_expired_keys
from persistence.events.retention import trim_events
from persistence.rank_compaction import compact_all_ranks, delete_old_ranks
from persistence.stores.account_token import delete_expired_tokens
from realtime.background_tasks import BackgroundTasks
from realtime.backoff import jitter

BLOB_CLEANUP_SECONDS: Final = 300.0
RETENTION_SECONDS: Final = 3600.0
RANK_COMPACTION_SECONDS: Final = 1.0  # a place that is used 500 times a second grows by 100 characters meanwhile
KEYS_SECONDS: Final = 5.0  # a revoked key verifies for as long
_FIRST_RETRY_SECONDS: Final = 5.0
_ORPHANS_EVERY_TURNS: Final = 12

logger = logging.getLogger(__name__)

Job = Callable[[int], Awaitable[object]]
"""Does one turn; takes its number, from 1."""


@asynccontextmanager
async def run_maintenance(resources: Resources, settings: Settings) -> AsyncIterator[None]:
    """Run all jobs while this is open."""
    database, blobs, retries = resources.database, resources.services.blobs, resources.retries
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
            await trim_events(database, before=before, retries=retries.streams)

    async def compact_ranks(_: int) -> None:
        services = resources.services
        await compact_all_ranks(database, services.pubsub, services.document_objects)

    async def compact_documents(_: int) -> None:
        await resources.services.compaction.compact_all()

    max_key_age = timedelta(days=settings.key_rotation_days).total_seconds() or None

    async def maintain_keys(_: int) -> None:
        await resources.key_store.maintain(resources.keys, max_age_seconds=max_key_age)

    tasks = BackgroundTasks()
    jobs: tuple[tuple[str, Job, float], ...] = (
        ("Cleanup of blobs", clean_blobs, BLOB_CLEANUP_SECONDS),
        ("Retention", apply_retention, RETENTION_SECONDS),
        ("Compaction of ranks", compact_ranks, RANK_COMPACTION_SECONDS),
        ("Compaction of documents", compact_documents, settings.settle_seconds),
        ("Signing keys", maintain_keys, KEYS_SECONDS),
    )
    for name, job, seconds in jobs:
        tasks.supervise(run_forever(name, job, seconds, retries.failed_turns), f"maintenance: {name}")
    try:
        yield
    finally:
        await tasks.cancel_all()


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
