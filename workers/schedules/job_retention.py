"""Deletes jobs that people started, with their files, a month after their end."""

from datetime import timedelta
from typing import Final

from workers.schedule import ScheduledRun, schedule

RETENTION: Final = timedelta(days=30)
_MAX_DELETED: Final = 500
"""In a run; the next run goes on."""


@schedule(name="job retention", every=timedelta(minutes=10))
async def job_retention(run: ScheduledRun) -> None:
    """Delete those that ended first."""
    await run.uow.jobs.remove_older(run.uow.now - RETENTION, run.uow.now, limit=_MAX_DELETED)
