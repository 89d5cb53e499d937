"""Lets the next tasks of series be made when their day has come: from midnight on, in the time zone of whom they are for."""

from datetime import timedelta
from typing import Final

from domain.events import derived_id
from domain.notification.timing import zone_of
from persistence.stores.recurring_task import RecurringTask, due_recurrences
from workers.jobs.recurrence import KIND
from workers.schedule import ScheduledRun, schedule
from workers.time_zones import zone_names

_PAGE_TASKS: Final = 500
_MAX_JOBS: Final = 2_000
"""In a run, which may take 10 seconds; the next run goes on."""


@schedule(name="recurrences", every=timedelta(minutes=15))
async def recurrences(run: ScheduledRun) -> None:
    """Add a job for each task whose next one is due."""
    days = {zone: run.uow.now.astimezone(zone_of(zone)).date() for zone in zone_names()}
    after: RecurringTask | None = None
    for _ in range(_MAX_JOBS // _PAGE_TASKS):
        found = await due_recurrences(run.uow.connection, days, after, _PAGE_TASKS)
        for task in found:
            job_id = derived_id(task.id, "recurrence job", task.recurs_on)
            await run.jobs.add(KIND, job_id, {"taskId": str(task.id), "today": task.today.isoformat()})
        if len(found) < _PAGE_TASKS:
            return
        after = found[-1]
