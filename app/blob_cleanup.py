"""Deletes orphaned blobs, for `server.py blobs sweep`."""

import asyncio
from datetime import UTC, datetime

from app.adapters import open_blobs
from app.keys import open_secret
from app.migration import migrate
from app.service_database import CannotStart, open_database_url
from app.settings import Settings
from domain.errors import StorageUnavailable
from persistence.backup.running import BackupRunning
from persistence.blob_cleanup import clean_up_blobs
from persistence.engine.database import open_database


async def clean_up_blobs_once(settings: Settings) -> str:
    """Delete orphaned blobs; a report for operators. Raises CannotStart."""
    async with open_database_url(settings) as url:
        await migrate(url)
        async with open_database(url, max_connections=2) as database:
            try:
                async with open_blobs(settings, await asyncio.to_thread(open_secret, settings)) as blobs:
                    return str(await clean_up_blobs(database, blobs, datetime.now(UTC)))
            except (StorageUnavailable, BackupRunning) as error:
                raise CannotStart(f"{error.message} What was deleted so far stays deleted. ({error.__cause__})") from error
