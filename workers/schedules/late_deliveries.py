"""Sends what was left behind of notifications: committed for a time whose job was just being done, and so sent by none.

Whoever adds a delivery adds its job, unless that is there; one that has read what is queued, and has not ended yet, is there and
sends nothing more. What it leaves behind gets another time, and so a job and a message of its own.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from domain.notification import DeliveryBatch, NotificationChannel
from persistence.stores import delivery
from workers.jobs.notification_push import DEVICE_KIND, FAILING_DEVICE_KIND
from workers.notification_jobs import enqueue
from workers.schedule import ScheduledRun, schedule

_GRACE: Final = timedelta(minutes=2)
_MAX_AGE: Final = timedelta(days=3)
"""What is older helps nobody any more, and is left to be looked at."""
_PAGE_BATCHES: Final = 500
_MAX_PAGES: Final = 40
"""Looked at in a run, which may take 10 seconds: those that wait for a mail server that is away are overdue too."""


@schedule(name="late deliveries", every=timedelta(minutes=1))
async def late_deliveries(run: ScheduledRun) -> None:
    """Give batches that are overdue, and that no job is to send, another time."""
    now, deliveries = run.uow.now, run.uow.deliveries
    last = DeliveryBatch(user_id=UUID(int=0), channel=NotificationChannel.EMAIL, due_at=now - _MAX_AGE)
    for _ in range(_MAX_PAGES):
        page = await deliveries.overdue(after=last, before=now - _GRACE, size=_PAGE_BATCHES)
        with_sender = await deliveries.with_sender(page)
        for batch in page:
            if batch not in with_sender:
                await _send_anew(run, batch, now)
        if len(page) < _PAGE_BATCHES:
            return
        last = page[-1]


async def _send_anew(run: ScheduledRun, batch: DeliveryBatch, now: datetime) -> None:
    """Give what no job of the batch has taken over another time, and a job."""
    handed_over: set[UUID] = set()
    if batch.channel is NotificationChannel.PUSH:
        kinds = (DEVICE_KIND, FAILING_DEVICE_KIND)
        handed_over = await delivery.handed_over(run.uow.connection, batch.user_id, kinds)
    if await run.uow.deliveries.postpone(batch, now, except_ids=handed_over):
        await enqueue(run.jobs, [replace(batch, due_at=now)])
