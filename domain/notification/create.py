"""Makes notifications of events, in the transaction of a worker (`workers.consumers.notifications`).

One for each person and event, however often the event is handled: the id derives from both. The changes that an actor makes in
one operation (all their events carry its instant) are one notification for each person and reason. Nobody is notified of what
they did themselves, nor of what they may not see.
"""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from domain.events import Entry, derived_id
from domain.notification.entity import Notification
from domain.notification.events import NotificationCreated, NotificationUpdated
from domain.notification.proposal import Proposal, proposals
from domain.ports import UnitOfWork


async def notify(uow: UnitOfWork, entries: Sequence[Entry]) -> None:
    """Notify everybody whom the entries concern."""
    proposed = [(entry, each) for entry in entries for each in proposals(entry)]
    if not proposed:
        return
    recipients = await uow.notifications.recipients([each for _, each in proposed])
    bulks: dict[tuple[object, ...], dict[UUID, list[tuple[Entry, Proposal]]]] = {}
    told: set[tuple[UUID, UUID]] = set()
    for (entry, proposal), user_ids in zip(proposed, recipients, strict=True):
        for user_id in user_ids:
            if user_id != entry.actor_id and (entry.id, user_id) not in told:
                told.add((entry.id, user_id))
                bulk = bulks.setdefault((entry.actor_id, proposal.reason, entry.at), {})
                bulk.setdefault(user_id, []).append((entry, proposal))
    for bulk in bulks.values():
        await _notify_of_bulk(uow, bulk)


async def _notify_of_bulk(uow: UnitOfWork, bulk: dict[UUID, list[tuple[Entry, Proposal]]]) -> None:
    """Notify people of what one actor did at one instant, for one reason."""
    entry, proposal = next(iter(bulk.values()))[0]
    stored = await uow.notifications.find(list(bulk), entry.actor_id, proposal.reason, entry.at)
    before = {each.user_id: each for each in stored}
    new = []
    for user_id, concerned in bulk.items():
        if (known := before.get(user_id)) is None:
            new.append(_of(user_id, concerned))
            continue
        further = [each.id for each, _ in concerned if each.id not in known.event_ids]
        if further:
            grown = replace(known, event_ids=(*known.event_ids, *further), version=known.version + 1)
            await uow.notifications.save_events(grown)
            uow.record(NotificationUpdated(actor_id=entry.actor_id, notification=grown, before=known))
    for each in await uow.notifications.add(new):
        uow.record(NotificationCreated(actor_id=each.actor_id, notification=each))


def _of(user_id: UUID, concerned: Sequence[tuple[Entry, Proposal]]) -> Notification:
    entry, proposal = concerned[0]
    return Notification(
        id=derived_id(entry.id, "notification", user_id),
        user_id=user_id,
        reason=proposal.reason,
        event_ids=tuple(each.id for each, _ in concerned),
        actor_id=entry.actor_id,
        subject_type=proposal.subject_type,
        subject_id=proposal.subject_id,
        comment_id=proposal.comment_id,
        group_key=f"{proposal.subject_type}:{proposal.subject_id}",
        created_at=entry.at,
    )
