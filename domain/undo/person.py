"""Reverses what people changed about themselves: their profiles, and the marks of their notifications."""

from dataclasses import replace
from typing import Final

from domain.actor import Actor
from domain.errors import NotFound, NotUndoable
from domain.events import Entry
from domain.notification.events import NotificationUpdated
from domain.ports import UnitOfWork
from domain.undo.change_log import Call, changed_fields
from domain.undo.fields import values_before
from domain.user import lock_self, record_update
from domain.version import with_changes

_PROFILE_FIELDS: Final = frozenset({"first_name", "last_name", "time_zone", "locale"})
_MARKS: Final = frozenset({"read_at", "archived_at", "snoozed_until"})


async def profile_back(uow: UnitOfWork, actor: Actor, entry: Entry, call: Call) -> None:
    """One's own name, time zone and language are what they were."""
    if not changed_fields(entry).keys() <= _PROFILE_FIELDS:
        raise NotUndoable("Of an account, only name, time zone and locale go back.")
    if entry.entity_id != actor.user_id:
        raise NotFound(("input", "changeId"))
    before = await lock_self(uow, actor)
    user = with_changes(before, uow.now, **values_before(before, entry))
    await uow.users.save(user)
    await record_update(uow, actor.user_id, before, user)


async def mark_back(uow: UnitOfWork, actor: Actor, entry: Entry, call: Call) -> None:
    """A notification of one's own is marked as it was."""
    if not changed_fields(entry).keys() <= _MARKS or entry.actor_id != actor.user_id:
        raise NotUndoable("This notification changed by what others did.")
    found = await uow.notifications.lock(actor.user_id, ids=[entry.entity_id], limit=1)
    if not found:
        raise NotFound(("input", "changeId"))
    (before,) = found
    after = replace(before, **values_before(before, entry), version=before.version + 1)
    await uow.notifications.save_marks([after])
    uow.record(NotificationUpdated(actor_id=actor.user_id, notification=after, before=before))
