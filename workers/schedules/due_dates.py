"""Notifies assignees of tasks that are due soon or overdue, from 9:00 of their day on."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from domain.notification import day_in_zone, notify_due
from persistence.stores.due_task import due_tasks
from workers.notification_jobs import enqueue
from workers.schedule import ScheduledRun, schedule
from workers.time_zones import zone_names

_PAGE_TASKS: Final = 500
_MAX_NOTIFIED: Final = 2_000
"""In a run, which may take 10 seconds; the next run goes on."""


@schedule(name="due dates", every=timedelta(minutes=15))
async def due_dates(run: ScheduledRun) -> None:
    """Look at the tasks around today, wherever that is, and notify of those that nobody was told of."""
    days = {zone: day_in_zone(run.uow.now, zone) for zone in zone_names()}
    after: UUID | None = UUID(int=0)
    notified = 0
    while after is not None and notified < _MAX_NOTIFIED:
        tasks, after = await due_tasks(run.uow.connection, days, after, _PAGE_TASKS)
        await enqueue(run.jobs, await notify_due(run.uow, tasks))
        notified += len(tasks)
