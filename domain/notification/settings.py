"""How a person wants to be notified: the channels for each reason, quiet hours, digests."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import time
from enum import StrEnum
from typing import Any, ClassVar, Final, Protocol
from uuid import UUID

from domain.actor import Actor
from domain.errors import Invalid, NotUnique
from domain.events import ChangeKind, Event, FieldChange, difference, user_stream
from domain.notification.entity import NotificationReason as Reason
from domain.ports import UnitOfWork


class NotificationChannel(StrEnum):
    """On which way a person is notified."""

    IN_APP = "IN_APP"
    EMAIL = "EMAIL"
    PUSH = "PUSH"


class DigestFrequency(StrEnum):
    """How often mails and pushes are sent."""

    OFF = "OFF"
    HOURLY = "HOURLY"
    DAILY = "DAILY"
    WEEKLY = "WEEKLY"


UNSUBSCRIBED: Final = "Unsubscribed."
_IN_APP: Final = frozenset({NotificationChannel.IN_APP})
_EVERYWHERE: Final = frozenset(NotificationChannel)
DEFAULT_CHANNELS: Final[Mapping[Reason, frozenset[NotificationChannel]]] = {
    Reason.MENTIONED: _EVERYWHERE,
    Reason.ASSIGNED: _EVERYWHERE,
    Reason.REACTION: _IN_APP,
    Reason.INVITED: _EVERYWHERE,
    Reason.ADDED_TO_PROJECT: _EVERYWHERE,
    Reason.DUE_SOON: _EVERYWHERE,
    Reason.OVERDUE: _EVERYWHERE,
    Reason.COMMENTED: _EVERYWHERE,
    Reason.STATUS_CHANGED: _IN_APP,
    Reason.TASK_CHANGED: _IN_APP,
    Reason.DOCUMENT_CHANGED: _IN_APP,
    Reason.WEBHOOK_PAUSED: _EVERYWHERE,
    Reason.JOB_FINISHED: _IN_APP,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietHours:
    """
    When a person is sent no mails and pushes: from one local time to another, perhaps past midnight, on the days (ISO: 1 is
    Monday) on which it begins.
    """

    start: time
    end: time
    days: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationSettings:
    """
    A person's settings; `id` is the person's.

    `channels`: by reason, where the person chose them; the defaults apply to others. `quiet_from` and `quiet_to` are minutes of
    the day, None where there are no quiet hours. `email_off_reason`: why mails are off altogether (the address does not exist, or
    the person unsubscribed), None while they are not. `push_content`: whether pushes show titles and texts, which their services
    and lock screens see.
    """

    type_name: ClassVar[str] = "User"

    id: UUID
    version: int = 0
    channels: Mapping[str, Any]
    quiet_from: int | None = None
    quiet_to: int | None = None
    quiet_days: tuple[int, ...] = ()
    digest: DigestFrequency = DigestFrequency.OFF
    email_off_reason: str | None = None
    push_content: bool = False

    @property
    def quiet_hours(self) -> QuietHours | None:
        """The quiet hours, if there are any."""
        if self.quiet_from is None or self.quiet_to is None or not self.quiet_days:
            return None
        return QuietHours(start=_time(self.quiet_from), end=_time(self.quiet_to), days=tuple(self.quiet_days))

    def channels_for(self, reason: Reason) -> frozenset[NotificationChannel]:
        """On which channels the person wants to be notified."""
        chosen = self.channels.get(reason.value)
        return DEFAULT_CHANNELS[reason] if chosen is None else frozenset(map(NotificationChannel, chosen))


def default_settings(user_id: UUID) -> NotificationSettings:
    """The settings of a person who has chosen nothing."""
    return NotificationSettings(id=user_id, channels={})


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationSettingsChanged(Event):
    """A person changed how they want to be notified, or mails were switched off."""

    kind = ChangeKind.UPDATED
    settings: NotificationSettings
    before: NotificationSettings

    @property
    def stream(self) -> str:
        return user_stream(self.settings.id)

    @property
    def entity(self) -> NotificationSettings:
        return self.settings

    @property
    def changes(self) -> tuple[FieldChange, ...]:
        return difference(self.before, self.settings)


class NotificationSettingsStore(Protocol):
    """Stores settings."""

    async def lock(self, user_id: UUID) -> NotificationSettings:
        """The settings of a person, the defaults where there are none, locked where there are."""
        ...

    async def save(self, settings: NotificationSettings) -> None: ...


async def update(uow: UnitOfWork, actor: Actor, values: Mapping[str, Any]) -> NotificationSettings:
    """
    Change one's own settings: `set` (rows of `reason` and `channels`), `quiet_hours`, `digest`, `push_content` where given.

    Quiet hours of None are none. A digest switches mails on again that were off.
    """
    before = await uow.notification_settings.lock(actor.user_id)
    changes: dict[str, Any] = {}
    if values.get("set"):
        changes["channels"] = {**before.channels, **_chosen(values["set"])}
    if "quiet_hours" in values:
        changes |= _quiet(values["quiet_hours"])
    if values.get("digest") is not None:
        changes["digest"] = DigestFrequency(values["digest"])
    if values.get("push_content") is not None:
        changes["push_content"] = values["push_content"]
    if changes and _wants_mail(changes):
        changes["email_off_reason"] = None
    return await _save(uow, actor.user_id, before, changes)


async def switch_mail_off(uow: UnitOfWork, user_id: UUID, reason: str) -> NotificationSettings:
    """Send a person no mails any more, until they ask for them again."""
    before = await uow.notification_settings.lock(user_id)
    return await _save(uow, None, before, {"email_off_reason": before.email_off_reason or reason})


async def forget_address(uow: UnitOfWork, user_id: UUID) -> NotificationSettings:
    """A person has another address: what was reported of the one before does not keep mails from it."""
    before = await uow.notification_settings.lock(user_id)
    reason = before.email_off_reason
    return await _save(uow, None, before, {"email_off_reason": reason if reason == UNSUBSCRIBED else None})


async def unsubscribe(uow: UnitOfWork, user_id: UUID, reason: Reason) -> NotificationSettings:
    """Send a person no mails for a reason any more."""
    before = await uow.notification_settings.lock(user_id)
    left = before.channels_for(reason) - {NotificationChannel.EMAIL}
    return await _save(uow, user_id, before, {"channels": {**before.channels, reason.value: sorted(left)}})


async def _save(
    uow: UnitOfWork, actor_id: UUID | None, before: NotificationSettings, changes: Mapping[str, Any]
) -> NotificationSettings:
    settings = replace(before, **changes)
    if settings == before:
        return before
    settings = replace(settings, version=before.version + 1)
    await uow.notification_settings.save(settings)
    uow.record(NotificationSettingsChanged(actor_id=actor_id, settings=settings, before=before))
    return settings


def _chosen(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    chosen: dict[str, list[str]] = {}
    for place, row in enumerate(rows):
        reason = Reason(row["reason"]).value
        if reason in chosen:
            raise NotUnique(("input", "set", str(place), "reason"), "Each reason may be given once.")
        chosen[reason] = sorted({NotificationChannel(each).value for each in row["channels"]})
    return chosen


def _quiet(given: Mapping[str, Any] | None) -> dict[str, Any]:
    if given is None:
        return {"quiet_from": None, "quiet_to": None, "quiet_days": ()}
    start = _minutes(given["from_"], ("input", "quietHours", "from"))
    end = _minutes(given["to"], ("input", "quietHours", "to"))
    if start == end:
        raise Invalid(("input", "quietHours", "to"), "Quiet hours end at another time than they begin.")
    days = tuple(sorted(set(given["days"])))
    if not days or days[0] < 1 or days[-1] > 7:
        raise Invalid(("input", "quietHours", "days"), "Days are 1 (Monday) to 7 (Sunday), one at least.")
    return {"quiet_from": start, "quiet_to": end, "quiet_days": days}


def _minutes(value: str, path: tuple[str, ...]) -> int:
    hours, colon, minutes = value.partition(":")
    if not (colon and len(hours) == len(minutes) == 2 and value.isascii() and hours.isdecimal() and minutes.isdecimal()):
        raise Invalid(path, "This is not a time of day, such as 22:30.")
    if int(hours) > 23 or int(minutes) > 59:
        raise Invalid(path, "This is not a time of day, such as 22:30.")
    return int(hours) * 60 + int(minutes)


def _time(minutes: int) -> time:
    return time(minutes // 60, minutes % 60)


def _wants_mail(changes: Mapping[str, Any]) -> bool:
    return "digest" in changes or any(NotificationChannel.EMAIL in each for each in changes.get("channels", {}).values())
