"""Resolves how the viewer wants to be notified, and what came of deliveries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from domain import notification as notifications
from domain.errors import NotFound
from domain.notification import NotificationChannel, NotificationReason, NotificationSettings
from persistence.stores import delivery, notification_settings
from persistence.unit_of_work import SqlUnitOfWork
from resolvers.context import Context, InputValues


@dataclass(frozen=True, slots=True)
class Preference:
    """The channels for one reason, in their order."""

    reason: NotificationReason
    channels: list[NotificationChannel]


async def preferences(context: Context, parents: Sequence[Any]) -> list[list[Preference]]:
    """The channels for every reason."""
    return [
        [
            Preference(reason, [each for each in NotificationChannel if each in found.channels_for(reason)])
            for reason in NotificationReason
        ]
        for found in await _settings(context, parents)
    ]


async def quiet_hours(context: Context, parents: Sequence[Any]) -> list[Any]:
    """The quiet hours, if there are any."""
    return [each.quiet_hours for each in await _settings(context, parents)]


async def digests(context: Context, parents: Sequence[Any]) -> list[Any]:
    """How often mails and pushes are sent."""
    return [each.digest for each in await _settings(context, parents)]


async def email_off_reasons(context: Context, parents: Sequence[Any]) -> list[str | None]:
    """Why no mails are sent."""
    return [each.email_off_reason for each in await _settings(context, parents)]


async def push_contents(context: Context, parents: Sequence[Any]) -> list[bool]:
    """Whether pushes show titles and texts."""
    return [each.push_content for each in await _settings(context, parents)]


async def deliveries(context: Context, parents: Sequence[Any]) -> list[list[Any]]:
    """What came of each notification on each channel."""
    found = await delivery.of_notifications(context.database, context.viewer.user_id, [each.id for each in parents])
    return [found.get(each.id, []) for each in parents]


async def update(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Changes how the viewer wants to be notified."""
    await notifications.update(uow, context.viewer, values)
    return {"user": await uow.users.lock(context.viewer.user_id)}


async def unsubscribe(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Ends mails of the kind that the token names, for the person whom it names."""
    found = context.services.unsubscribe_tokens.decode(values["token"])
    if found is None:
        raise NotFound(("input", "token"))
    user_id, reason = found
    if reason is None:
        await notifications.switch_mail_off(uow, user_id, notifications.UNSUBSCRIBED)
    else:
        await notifications.unsubscribe(uow, user_id, reason)
    return {}


async def _settings(context: Context, parents: Sequence[Any]) -> list[NotificationSettings]:
    ids = [each.id for each in parents]
    found = await notification_settings.by_ids(context.database, ids)
    return [found[each] for each in ids]
