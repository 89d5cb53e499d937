"""Runs what the server does by itself, over and over: cleanup of blobs, retention of events and idempotency keys.

A job that fails is logged and tried again at its next turn, and never ends the others: what could not be done this time is still
there the next. Turns are spread by a quarter, so that processes that start together do not work in step.

Orphaned blobs in a bucket are left to `server.py blobs sweep`: to look for them is to list the bucket, and that is paid for. In a
folder they are looked for once an hour.
"""

import asyncio
import itertools
import logging
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
from realtime.background_tasks import BackgroundTasks
from realtime.backoff import jitter

BLOB_CLEANUP_SECONDS: Final = 300.0
RETENTION_SECONDS: Final = 3600.0
_ORPHANS_EVERY: Final = 12  # turns of the cleanup of blobs

logger = logging.getLogger(__name__)

Job = Callable[[int], Awaitable[object]]
"""Does one turn; takes its number, from 1."""


@asynccontextmanager
async def run_maintenance(resources: Resources, settings: Settings) -> AsyncIterator[None]:
    """Run all jobs while this is open."""
    database, blobs = resources.database, resources.services.blobs
    in_folder = isinstance(blobs, LocalBlobs)

    async def clean_blobs(turn: int) -> None:
        await clean_up_blobs(database, blobs, datetime.now(UTC), orphans=in_folder and turn % _ORPHANS_EVERY == 0)

    async def apply_retention(_: int) -> None:
        now = datetime.now(UTC)
        await delete_expired_keys(database, now)
        if settings.event_retention_days:
            await trim_events(database, before=now - timedelta(days=settings.event_retention_days))

    tasks = BackgroundTasks()
    tasks.supervise(run_forever("Cleanup of blobs", clean_blobs, BLOB_CLEANUP_SECONDS), "maintenance: blobs")
    tasks.supervise(run_forever("Retention", apply_retention, RETENTION_SECONDS), "maintenance: retention")
    tasks.supervise(resources.services.version_store.compact_forever(settings.settle_seconds), "documents: settle")
    try:
        yield
    finally:
        await tasks.cancel_all()


async def run_forever(name: str, job: Job, seconds: float) -> None:
    """Run a job after every pause of about so many seconds."""
    for turn in itertools.count(1):
        await asyncio.sleep(jitter(seconds))
        try:
            await job(turn)
        except Unavailable as error:
            logger.warning("%s failed and is tried again later: %s", name, error)
        except Exception:  # the next turn may do what this one could not
            logger.exception("%s failed and is tried again later.", name)
