"""Notifies people of what happens in their teams (`domain.notification`), and leaves mails to jobs."""

from domain.notification import EVENT_TYPES, notify
from workers.consumer import Batch, consumer
from workers.notification_jobs import enqueue


@consumer(name="notifications", types=EVENT_TYPES)
async def notifications(batch: Batch) -> None:
    """Make notifications in the transaction that moves the cursor."""
    await enqueue(batch.jobs, await notify(batch.uow, batch.entries))
