"""Enqueues what is to be sent about notifications: a job for each person, channel and time."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from domain.events import derived_id
from domain.notification import DeliveryBatch, NotificationChannel
from workers.job import JobWriter

MAIL_KIND: Final = "notification mail"
_KINDS: Final = {NotificationChannel.EMAIL: MAIL_KIND}


async def enqueue(jobs: JobWriter, batches: Sequence[DeliveryBatch]) -> None:
    """Add the jobs that send the batches, each once."""
    for each in batches:
        due_at = each.due_at.isoformat()
        payload = {"userId": str(each.user_id), "dueAt": due_at}
        await jobs.add(_KINDS[each.channel], derived_id(each.user_id, each.channel, due_at), payload, run_at=each.due_at)


def batch_of(channel: NotificationChannel, payload: Mapping[str, Any]) -> DeliveryBatch:
    """The batch that a job sends."""
    due_at = datetime.fromisoformat(payload["dueAt"])
    return DeliveryBatch(user_id=UUID(payload["userId"]), channel=channel, due_at=due_at)
