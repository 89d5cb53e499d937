"""Notifies people that a job of theirs, for which they will not have waited, has ended."""

from datetime import timedelta
from typing import Final

from domain.events import derived_id
from domain.job import Job
from domain.notification import Notification, NotificationReason, add_notifications
from workers.job import Work
from workers.notification_jobs import enqueue

NOTIFIED_AFTER: Final = timedelta(seconds=10)
"""How long a job takes, from when it was asked for, of whose end its person is notified."""


async def notify_finished(work: Work, job: Job) -> None:
    """Notify whoever started the job, once, in the transaction that ends it; nothing of a job that was quick."""
    if job.finished_at is None or job.finished_at - job.created_at < NOTIFIED_AFTER:
        return
    event_id = derived_id(job.id, "finished")
    notification = Notification(
        id=derived_id(event_id, "notification", job.creator_id),
        user_id=job.creator_id,
        reason=NotificationReason.JOB_FINISHED,
        event_ids=(event_id,),
        actor_id=None,
        subject_type="Job",
        subject_id=job.id,
        group_key=f"Job:{job.id}",
        created_at=work.uow.now,
    )
    await enqueue(work.jobs, await add_notifications(work.uow, [notification]))
