"""Runs what every serving process does for itself, over and over.

What is done once for all processes is the workers' (`workers.upkeep`).
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

from app.bootstrap import Resources
from app.settings import Settings
from realtime.background_tasks import BackgroundTasks
from workers.upkeep import run_forever

KEYS_SECONDS: Final = 5.0  # a revoked key verifies for as long


@asynccontextmanager
async def run_maintenance(resources: Resources, settings: Settings) -> AsyncIterator[None]:
    """Look after the keys that sign and verify tokens, while this is open."""
    max_key_age = timedelta(days=settings.key_rotation_days).total_seconds() or None

    async def maintain_keys(_: int) -> None:
        await resources.key_store.maintain(resources.keys, max_age_seconds=max_key_age)

    tasks = BackgroundTasks()
    job = run_forever("Signing keys", maintain_keys, KEYS_SECONDS, resources.retries.failed_turns)
    tasks.supervise(job, "maintenance: Signing keys")
    try:
        yield
    finally:
        await tasks.cancel_all()
