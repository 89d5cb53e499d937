"""Resolves notifications: the inbox, its live stream, their titles and excerpts, and marking them."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

import strawberry
from strawberry import UNSET

from domain import notification as notifications
from domain.errors import CursorExpired, CursorInvalid
from domain.events import user_stream
from domain.notification import NotificationCreated, NotificationMark, NotificationReason
from domain.page import AllOf, Condition, Page, Paging, Where
from persistence.stores import notification
from persistence.stores import user as users
from persistence.unit_of_work import SqlUnitOfWork
from resolvers.context import Context, InputValues
from resolvers.node import entities
from resolvers.page import list_all, match_by_key
from resolvers.scalars import SyncCursor

UnreadOnly = Annotated[bool | None, strawberry.argument(description="Only unread ones.")]
Archived = Annotated[bool | None, strawberry.argument(description="Archived ones instead of those in the inbox.")]
Snoozed = Annotated[bool | None, strawberry.argument(description="Snoozed ones instead of those in the inbox.")]
Reasons = Annotated[list[NotificationReason] | None, strawberry.argument(description="Only those with one of these reasons.")]
After = Annotated[SyncCursor | None, strawberry.argument(description="Where the client has come to; null starts at now.")]

MAX_RETURNED: Final = 100
_CREATED: Final = NotificationCreated.__name__


async def list_own(
    context: Context,
    page: Paging,
    unread_only: UnreadOnly = None,
    reasons: Reasons = None,
    archived: Archived = None,
    snoozed: Snoozed = None,
) -> Page[Any]:
    """The viewer's notifications, the newest first."""
    conditions: list[Where] = [
        Condition("archived_at", "is_null", not archived),
        Condition("snoozed", "eq", bool(snoozed)),
    ]
    if unread_only:
        conditions.append(Condition("read_at", "is_null", True))
    if reasons is not None and reasons is not UNSET:
        conditions.append(Condition("reason", "in", [each.value for each in reasons]))
    return await list_all(context, notification.NOTIFICATIONS, page, where=AllOf(tuple(conditions)))


async def unread_counts(context: Context, parents: Sequence[Any]) -> list[int]:
    """The number of unread notifications in the viewer's inbox, for each page or payload."""
    count = await notification.count_unread(context.database, context.viewer.user_id)
    return [count for _ in parents]


async def subjects(context: Context, parents: Sequence[Any]) -> list[Any]:
    """What each notification is about, as far as the viewer and the token may see it; None for an invitation."""
    found = await entities(context, [_subject_of(each) for each in parents if each.subject_type != "Invitation"])
    remaining = iter(found)
    return [None if each.subject_type == "Invitation" else next(remaining) for each in parents]


async def comments(context: Context, parents: Sequence[Any]) -> list[Any]:
    """The comment that each notification is about."""
    return await _comments(context, parents)


async def titles(context: Context, parents: Sequence[Any]) -> list[str]:
    """Each notification in a line. A subject that the token may not read is not named."""
    actors = await users.by_ids(context.services.database, list({each.actor_id for each in parents if each.actor_id is not None}))
    names = {user_id: user.display_name for user_id, user in actors.items()}
    labels = [notifications.subject_label(each) for each in await subjects(context, parents)]
    invitations = list({each.subject_id for each in parents if each.subject_type == "Invitation"})
    teams = await notification.invited_team_names(context.services.database, invitations) if invitations else {}
    return [
        notifications.title(
            NotificationReason(each.reason),
            actor=names.get(each.actor_id),
            subject=label or teams.get(each.subject_id),
            subject_type=each.subject_type,
            event_count=each.event_count,
        )
        for each, label in zip(parents, labels, strict=True)
    ]


async def bodies(context: Context, parents: Sequence[Any]) -> list[str | None]:
    """An excerpt of the comment that each notification is about, on one line."""
    return [None if each is None else notifications.excerpt(each.body) for each in await _comments(context, parents)]


async def mark(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Marks notifications of the viewer. The payload holds the first 100 of those that were marked."""
    snooze_until: datetime | None = values.get("snooze_until")
    marked = await notifications.mark(
        uow,
        context.viewer,
        ids=values.get("ids"),
        group_key=values.get("group_key"),
        everything=bool(values.get("all")),
        mark_as=NotificationMark(values["as_"]),
        snooze_until=snooze_until,
    )
    return {"notifications": list(marked[:MAX_RETURNED])}


async def stream_received(context: Context, after: After = None) -> AsyncGenerator[Any, None]:
    """New notifications of the viewer, in order and without a gap: those after the cursor first, then live ones."""
    viewer = context.viewer.user_id
    stream = user_stream(viewer)
    async with context.services.hub.listen() as listener:
        await listener.add(stream, await _start(context, stream, after))
        async for entry in listener:
            if entry.type == _CREATED:
                found = await notification.by_ids(context.database, viewer, [entry.entity_id])
                if entry.entity_id in found:
                    yield found[entry.entity_id]


async def _start(context: Context, stream: str, after: str | None) -> int | None:
    """The position in the viewer's stream to begin after; None for now. Raises CursorInvalid and CursorExpired."""
    if after is None or after is UNSET:
        return None
    try:
        position = context.services.cursors.decode(after).get(stream, 0)
    except CursorInvalid as error:
        error.path = ("after",)
        raise
    trimmed_to, head = (await context.services.log.bounds([stream]))[stream]
    if not trimmed_to <= position <= head:
        raise CursorExpired
    return position


async def _comments(context: Context, parents: Sequence[Any]) -> list[Any]:
    ids = list({each.comment_id for each in parents if each.comment_id is not None})
    found: dict[UUID, Any] = dict(zip(ids, await entities(context, [("Comment", each) for each in ids]), strict=True))
    return match_by_key(parents, lambda each: each.comment_id, found)


def _subject_of(each: Any) -> tuple[str, UUID]:
    return each.subject_type, each.subject_id
