"""Deletes notifications that are half a year old."""

from datetime import timedelta
from typing import Final

from persistence.stores.notification import delete_older
from workers.schedule import ScheduledRun, schedule

RETENTION: Final = timedelta(days=180)
_MAX_DELETED: Final = 5_000
"""In a run; the next run goes on."""


@schedule(name="notification retention", every=timedelta(minutes=10))
async def notification_retention(run: ScheduledRun) -> None:
    """Delete the oldest."""
    await delete_older(run.uow.connection, run.uow.now - RETENTION, limit=_MAX_DELETED)
