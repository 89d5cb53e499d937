"""Deletes notifications that are half a year old, and reports of mail services of a month ago."""

from datetime import timedelta
from typing import Final

from domain.mail_report import REPORT_RETENTION
from persistence.stores import mail_report, notification
from workers.schedule import ScheduledRun, schedule

RETENTION: Final = timedelta(days=180)
_MAX_DELETED: Final = 5_000
"""In a run; the next run goes on."""


@schedule(name="notification retention", every=timedelta(minutes=10))
async def notification_retention(run: ScheduledRun) -> None:
    """Delete the oldest."""
    await notification.delete_older(run.uow.connection, run.uow.now - RETENTION, limit=_MAX_DELETED)
    await mail_report.delete_older(run.uow.connection, run.uow.now - REPORT_RETENTION, limit=_MAX_DELETED)
