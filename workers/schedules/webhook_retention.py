"""Deletes the messages of webhooks, with their bodies, after seven days."""

from datetime import timedelta
from typing import Final

from domain.webhook import RETENTION
from persistence.stores.webhook import delete_older
from workers.schedule import ScheduledRun, schedule

_MAX_DELETED: Final = 5_000
"""In a run; the next run goes on."""


@schedule(name="webhook retention", every=timedelta(minutes=10))
async def webhook_retention(run: ScheduledRun) -> None:
    """Delete the oldest."""
    await delete_older(run.uow.connection, run.uow.now - RETENTION, limit=_MAX_DELETED)
