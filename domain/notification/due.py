"""Notifies assignees of tasks that are due soon or overdue, once for each task and due date."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from domain.events import derived_id
from domain.notification.create import add_notifications
from domain.notification.delivery import DeliveryBatch
from domain.notification.entity import Notification, NotificationReason
from domain.notification.proposal import Proposal
from domain.notification.timing import DIGEST_TIME, zone_of
from domain.ports import UnitOfWork

OVERDUE_DAYS: Final = 3
"""For how long after its due date somebody is notified that a task is overdue, where they were not before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DueTask:
    """A task that is not done, with its assignee; `today` is the day that counts for them."""

    task_id: UUID
    assignee_id: UUID
    due_on: date
    today: date

    @property
    def reason(self) -> NotificationReason:
        """Why they are notified."""
        return NotificationReason.OVERDUE if self.due_on < self.today else NotificationReason.DUE_SOON

    @property
    def event_id(self) -> UUID:
        """Stands for the event that nobody caused."""
        return derived_id(self.task_id, self.reason, self.due_on)

    @property
    def notification_id(self) -> UUID:
        """The id of the notification."""
        return derived_id(self.event_id, "notification", self.assignee_id)


def day_in_zone(now: datetime, zone: str) -> date:
    """The day that counts for people of a time zone: days begin at 9:00, so that nobody is notified at night."""
    local = now.astimezone(zone_of(zone)).replace(tzinfo=None)
    return (local - timedelta(hours=DIGEST_TIME.hour)).date()


async def notify_due(uow: UnitOfWork, tasks: Sequence[DueTask]) -> Sequence[DeliveryBatch]:
    """Notify the assignees who may see their tasks; what is to be sent because of that, and when."""
    proposals = [
        Proposal(reason=each.reason, subject_type="Task", subject_id=each.task_id, user_id=each.assignee_id) for each in tasks
    ]
    if not proposals:
        return []
    recipients = await uow.notifications.recipients(proposals)
    return await add_notifications(
        uow, [_of(each, uow.now) for each, user_ids in zip(tasks, recipients, strict=True) if each.assignee_id in user_ids]
    )


def _of(task: DueTask, now: datetime) -> Notification:
    return Notification(
        id=task.notification_id,
        user_id=task.assignee_id,
        reason=task.reason,
        event_ids=(task.event_id,),
        actor_id=None,
        subject_type="Task",
        subject_id=task.task_id,
        group_key=f"Task:{task.task_id}",
        created_at=now,
    )
