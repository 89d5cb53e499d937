"""Stores what webhooks are to send, in the transaction that moves the cursor; senders send it (`workers.webhook_sender`)."""

from uuid import UUID

from domain.event_name import event_name
from domain.events import derived_id
from domain.webhook import MAX_PENDING, Webhook, WebhookDelivery, wants
from workers.consumer import Batch, consumer
from workers.webhook_pause import pause


@consumer(name="webhooks")
async def webhooks(batch: Batch) -> None:
    """A message for each event and webhook that wants it. Its id derives from both."""
    team_id = UUID(batch.entries[0].stream.partition(":")[2])
    active = await batch.uow.webhooks.active(team_id)
    if not active:
        return
    found = [each for webhook in active for each in _messages(batch, webhook)]
    if not found:
        return
    waiting = await batch.uow.webhooks.pending_counts([each.id for each in active])
    for webhook in active:
        if waiting[webhook.id] >= MAX_PENDING:
            await pause(batch.uow, batch.jobs, webhook.id, f"More than {MAX_PENDING} messages wait.")
    await batch.uow.webhooks.add_deliveries([each for each in found if waiting[each.webhook_id] < MAX_PENDING])


def _messages(batch: Batch, webhook: Webhook) -> list[WebhookDelivery]:
    named = ((entry, event_name(entry.type, entry.entity_type)) for entry in batch.entries)
    return [
        WebhookDelivery(
            id=derived_id(entry.id, "webhook", webhook.id),
            webhook_id=webhook.id,
            event_id=entry.id,
            event_name=name,
            order_key=entry.about_id,
            sequence=entry.position,
            created_at=batch.uow.now,
            at=batch.uow.now,
            next_attempt_at=batch.uow.now,
        )
        for entry, name in named
        if wants(webhook, name)
    ]
