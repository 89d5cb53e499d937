"""Enqueues what is to be sent about notifications, a job for each person, channel and time; and says what is not after all."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from domain.notification import Delivery, DeliveryBatch, DeliveryState, Notification, NotificationChannel, Recipient, batch_id
from domain.notification.delivery import off_reason
from domain.user import UserStatus
from workers.job import JobWriter

NOT_VISIBLE: Final = "The person may not see it any more."
READ_BEFORE: Final = "It was read before."
ACCOUNT_CLOSED: Final = "The account is closed."
MAIL_KIND: Final = "notification mail"
PUSH_KIND: Final = "notification push"
_KINDS: Final = {NotificationChannel.EMAIL: MAIL_KIND, NotificationChannel.PUSH: PUSH_KIND}


async def enqueue(jobs: JobWriter, batches: Sequence[DeliveryBatch]) -> None:
    """Add the jobs that send the batches, each once."""
    for each in batches:
        due_at = each.due_at.isoformat()
        payload = {"userId": str(each.user_id), "dueAt": due_at}
        await jobs.add(_KINDS[each.channel], batch_id(each.user_id, each.channel, each.due_at), payload, run_at=each.due_at)


def batch_of(channel: NotificationChannel, payload: Mapping[str, Any]) -> DeliveryBatch:
    """The batch that a job sends."""
    due_at = datetime.fromisoformat(payload["dueAt"])
    return DeliveryBatch(user_id=UUID(payload["userId"]), channel=channel, due_at=due_at)


def suppression(
    delivery: Delivery, to: Any, recipient: Recipient | None, visible: Mapping[UUID, Notification]
) -> tuple[DeliveryState, str] | None:
    """Why a delivery is not sent after all. `to`: the user's row; `visible`: the notifications that they may see now."""
    reason: str | None
    notification = visible.get(delivery.notification_id)
    if to is None or recipient is None or to.status != UserStatus.ACTIVE:
        reason = ACCOUNT_CLOSED
    elif notification is None:
        reason = NOT_VISIBLE
    elif (reason := off_reason(recipient, delivery.channel, notification)) is None and notification.read_at is not None:
        reason = READ_BEFORE
    return None if reason is None else (DeliveryState.SUPPRESSED, reason)
