"""A schedule: a function that is called at every full period of the clock (UTC), by the worker that leads.

To add one, write a function and name it in the table `workers.schedules.SCHEDULES`:

    @schedule(name="reminders", every=timedelta(minutes=15))
    async def remind(run: ScheduledRun) -> None:
        for row in await run.uow.connection.fetch(_DUE, after=run.previous_at, until=run.due_at):
            ...

The function runs in the transaction that records the run: what it writes through `run.uow` is done once for each time, even if
two workers believe that they lead. A time that passed while nobody worked is not made up for by a call of its own: the next call
is told when the one before was, and looks after all that lies between. An exception undoes the run, which is tried again.

The function may take 10 seconds. What takes longer is left to jobs (`run.jobs.add`), or to the next call.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from persistence.unit_of_work import SqlUnitOfWork
from workers.job import JobWriter
from workers.services import WorkerServices


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledRun:
    """One run: what happened after `previous_at` and until `due_at` is to be looked after."""

    previous_at: datetime
    due_at: datetime
    uow: SqlUnitOfWork
    jobs: JobWriter
    services: WorkerServices


RunHandler = Callable[[ScheduledRun], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """What is done at every full period. `name` may never change."""

    name: str
    handle: RunHandler
    every: timedelta


def schedule(*, name: str, every: timedelta) -> Callable[[RunHandler], Schedule]:
    """Make a schedule of a function."""
    return lambda handle: Schedule(name=name, handle=handle, every=every)
