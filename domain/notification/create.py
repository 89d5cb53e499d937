"""Makes notifications of events, in the transaction of a worker (`workers.consumers.notifications`).

One for each person and event, however often the event is handled: the id derives from both. The changes that an actor makes in
one operation (all their events carry its instant) are one notification for each person and reason. Nobody is notified of what
they did themselves, nor of what they may not see.
"""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from domain.events import Entry, derived_id
from domain.notification.delivery import Delivery, DeliveryBatch, DeliveryState, plan
from domain.notification.entity import MAX_EVENTS, Notification
from domain.notification.events import NotificationCreated, NotificationUpdated
from domain.notification.proposal import Proposal, proposals
from domain.notification.settings import NotificationChannel
from domain.ports import UnitOfWork


async def notify(uow: UnitOfWork, entries: Sequence[Entry]) -> Sequence[DeliveryBatch]:
    """Notify everybody whom the entries concern; what is to be sent because of that, and when."""
    proposed = [(entry, each) for entry in entries for each in proposals(entry)]
    if not proposed:
        return []
    recipients = await uow.notifications.recipients([each for _, each in proposed])
    bulks: dict[tuple[object, ...], dict[UUID, list[tuple[Entry, Proposal]]]] = {}
    notified: set[tuple[UUID, UUID]] = set()
    for (entry, proposal), user_ids in zip(proposed, recipients, strict=True):
        for user_id in user_ids:
            if user_id != entry.actor_id and (entry.id, user_id) not in notified:
                notified.add((entry.id, user_id))
                bulk = bulks.setdefault((entry.actor_id, proposal.reason, entry.at), {})
                bulk.setdefault(user_id, []).append((entry, proposal))
    new = [each for bulk in bulks.values() for each in await _of_bulk(uow, bulk)]
    return await add_notifications(uow, new)


async def add_notifications(uow: UnitOfWork, notifications: Sequence[Notification]) -> Sequence[DeliveryBatch]:
    """Store new notifications, unless they are there, with their deliveries; what is to be sent because of that, and when."""
    if not notifications:
        return []
    recipients = await uow.deliveries.recipients([each.user_id for each in notifications])
    planned = {each.id: plan(each, recipients[each.user_id], uow.now) for each in notifications if each.user_id in recipients}
    stored = await uow.notifications.add(
        [replace(each, in_app=_in_app(planned[each.id])) for each in notifications if each.id in planned]
    )
    deliveries = [delivery for each in stored for delivery in planned[each.id]]
    await uow.deliveries.add(deliveries)
    for each in stored:
        if each.in_app:
            uow.record(NotificationCreated(actor_id=each.actor_id, notification=each))
    queued = [each for each in deliveries if each.state is DeliveryState.QUEUED]
    batches = (DeliveryBatch(user_id=each.user_id, channel=each.channel, due_at=each.due_at) for each in queued)
    return list(dict.fromkeys(batches))


def _in_app(deliveries: Sequence[Delivery]) -> bool:
    return any(each.channel is NotificationChannel.IN_APP and each.state is DeliveryState.SENT for each in deliveries)


async def _of_bulk(uow: UnitOfWork, bulk: dict[UUID, list[tuple[Entry, Proposal]]]) -> Sequence[Notification]:
    """New notifications of what one actor did at one instant, for one reason; those that exist stand for the new events too."""
    entry, proposal = next(iter(bulk.values()))[0]
    stored = await uow.notifications.find(list(bulk), entry.actor_id, proposal.reason, entry.at)
    before = {each.user_id: each for each in stored}
    new = []
    for user_id, concerned in bulk.items():
        if (known := before.get(user_id)) is None:
            new.append(_of(user_id, concerned))
            continue
        further = [each.id for each, _ in concerned if each.id not in known.event_ids][: MAX_EVENTS - len(known.event_ids)]
        if further:
            grown = replace(known, event_ids=(*known.event_ids, *further), version=known.version + 1)
            await uow.notifications.save_events(grown)
            if grown.in_app:
                uow.record(NotificationUpdated(actor_id=entry.actor_id, notification=grown, before=known))
    return new


def _of(user_id: UUID, concerned: Sequence[tuple[Entry, Proposal]]) -> Notification:
    entry, proposal = concerned[0]
    return Notification(
        id=derived_id(entry.id, "notification", user_id),
        user_id=user_id,
        reason=proposal.reason,
        event_ids=tuple(each.id for each, _ in concerned[:MAX_EVENTS]),
        actor_id=entry.actor_id,
        subject_type=proposal.subject_type,
        subject_id=proposal.subject_id,
        comment_id=proposal.comment_id,
        group_key=f"{proposal.subject_type}:{proposal.subject_id}",
        created_at=entry.at,
    )
