"""Marks one's own notifications as read, archived or snoozed, and back. Marking again what is marked changes nothing."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from domain.actor import Actor
from domain.errors import Invalid, NotFound, Required
from domain.notification.entity import Notification
from domain.notification.events import NotificationUpdated
from domain.ports import UnitOfWork

MAX_MARKED: Final = 1_000
"""How many a call marks of a group, or of all."""
MAX_SNOOZE: Final = timedelta(days=366)


class NotificationMark(StrEnum):
    """What is made of a notification."""

    READ = "READ"
    UNREAD = "UNREAD"
    ARCHIVED = "ARCHIVED"
    UNARCHIVED = "UNARCHIVED"
    SNOOZED = "SNOOZED"


async def mark(
    uow: UnitOfWork,
    actor: Actor,
    *,
    ids: Sequence[UUID] | None,
    group_key: str | None,
    everything: bool,
    mark_as: NotificationMark,
    snooze_until: datetime | None,
) -> Sequence[Notification]:
    """
    Mark the ones with these ids, those of a group, or all of the inbox, the newest first; what was marked, as it is now.

    Raises NotFound when one of the ids is not a notification that the actor has and may see; then nothing is marked.
    """
    if (ids is not None) + (group_key is not None) + everything != 1:
        raise Required(("input",), "Give one of `ids`, `groupKey` and `all: true`.")
    _check_snooze(mark_as, snooze_until, uow.now)
    wanted = list(dict.fromkeys(ids)) if ids is not None else None
    limit = MAX_MARKED if wanted is None else len(wanted)
    found = await uow.notifications.lock(actor.user_id, ids=wanted, group_key=group_key, limit=limit) if limit else []
    if wanted is not None and len(found) < len(wanted):
        raise NotFound(("input", "ids"))
    marked = [(each, _marked(each, mark_as, uow.now, snooze_until)) for each in found]
    changed = [(before, after) for before, after in marked if after != before]
    if changed:
        await uow.notifications.save_marks([after for _, after in changed])
        for before, after in changed:
            uow.record(NotificationUpdated(actor_id=actor.user_id, notification=after, before=before))
    if wanted is None:
        return [after for _, after in changed]
    by_id = {after.id: after for _, after in marked}
    return [by_id[each] for each in wanted]


def _check_snooze(mark_as: NotificationMark, until: datetime | None, now: datetime) -> None:
    path = ("input", "snoozeUntil")
    if mark_as is not NotificationMark.SNOOZED:
        if until is not None:
            raise Invalid(path, "Only what is snoozed has a time until which it is.")
        return
    if until is None:
        raise Required(path, "A value is needed here.")
    if not now < until <= now + MAX_SNOOZE:
        raise Invalid(path, "This time must be in the future, within a year.")


def _marked(each: Notification, mark_as: NotificationMark, now: datetime, until: datetime | None) -> Notification:
    changes: dict[str, Any]
    match mark_as:
        case NotificationMark.READ:
            changes = {"read_at": each.read_at or now}
        case NotificationMark.UNREAD:
            changes = {"read_at": None}
        case NotificationMark.ARCHIVED:
            changes = {"archived_at": each.archived_at or now, "read_at": each.read_at or now}
        case NotificationMark.UNARCHIVED:
            changes = {"archived_at": None, "snoozed_until": None}
        case _:
            changes = {"snoozed_until": until}
    changed = {name: value for name, value in changes.items() if getattr(each, name) != value}
    return replace(each, **changed, version=each.version + 1) if changed else each
