"""Stops webhooks that cannot go on, and notifies those who look after the team."""

from uuid import UUID

from domain.events import derived_id
from domain.notification import Notification, NotificationReason, add_notifications
from domain.webhook import WebhookState
from domain.webhook import pause as pause_webhook
from persistence.unit_of_work import SqlUnitOfWork
from workers.job import JobWriter
from workers.notification_jobs import enqueue


async def pause(
    uow: SqlUnitOfWork, jobs: JobWriter, webhook_id: UUID, reason: str, *, state: WebhookState = WebhookState.PAUSED
) -> None:
    """Stop sending, and notify the owner and the admins of the team; nothing where it does not send any more."""
    webhook = await pause_webhook(uow, webhook_id, reason, state=state)
    if webhook is None:
        return
    event_id = derived_id(webhook.id, "paused", webhook.version)
    notifications = [
        Notification(
            id=derived_id(event_id, "notification", user_id),
            user_id=user_id,
            reason=NotificationReason.WEBHOOK_PAUSED,
            event_ids=(event_id,),
            actor_id=None,
            subject_type="Webhook",
            subject_id=webhook.id,
            group_key=f"Webhook:{webhook.id}",
            created_at=uow.now,
        )
        for user_id in await uow.webhooks.manager_ids(webhook.team_id)
    ]
    await enqueue(jobs, await add_notifications(uow, notifications))
