"""Makes the next task of a series whose day has come, in nobody's name."""

from datetime import date
from typing import Final
from uuid import UUID

from domain import task as tasks
from workers.job import JobRun, job

KIND: Final = "recurrence"


@job(kind=KIND)
async def recurrence(run: JobRun) -> None:
    """Make it, unless that was done before."""
    async with run.complete() as work:
        await tasks.make_due(work.uow, UUID(run.payload["taskId"]), date.fromisoformat(run.payload["today"]))
