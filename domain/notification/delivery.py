"""Says on which channels a notification is delivered, and when; and records what came of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Protocol
from uuid import UUID

from domain.events import derived_id
from domain.notification.entity import Notification
from domain.notification.settings import NotificationChannel, NotificationSettings
from domain.notification.timing import MAIL_WINDOW, PUSH_WINDOW, due_at, zone_of

OFF_IN_PREFERENCES: Final = "Off in the preferences."
NOT_VERIFIED: Final = "The e-mail address is not verified."
NO_DEVICE: Final = "No device is registered."
QUIET_HOURS: Final = "Held back by quiet hours."
DIGEST: Final = "Waits for the digest."


class DeliveryState(StrEnum):
    """What came of a delivery."""

    QUEUED = "QUEUED"
    SENT = "SENT"
    FAILED = "FAILED"
    SUPPRESSED = "SUPPRESSED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """
    A notification on one channel.

    `due_at`: when it is sent; those of one person, channel and `due_at` are sent together. `detail`: why it waits, failed or was
    suppressed. `at`: when it came into its state.
    """

    notification_id: UUID
    user_id: UUID
    channel: NotificationChannel
    state: DeliveryState
    detail: str | None = None
    due_at: datetime
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryBatch:
    """The deliveries of one person on one channel that are sent together."""

    user_id: UUID
    channel: NotificationChannel
    due_at: datetime


def batch_id(user_id: UUID, channel: NotificationChannel, due_at: datetime) -> UUID:
    """The id of what sends a batch; of a mail, the one in its Message-ID."""
    return derived_id(user_id, channel, due_at.isoformat())


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """What deliveries depend on of a person."""

    user_id: UUID
    time_zone: str
    has_verified_email: bool
    has_devices: bool
    settings: NotificationSettings


class DeliveryStore(Protocol):
    """Stores deliveries."""

    async def recipients(self, user_ids: Sequence[UUID]) -> Mapping[UUID, Recipient]: ...
    async def add(self, deliveries: Sequence[Delivery]) -> None: ...
    async def finish(self, deliveries: Sequence[Delivery]) -> None:
        """Store what came of deliveries: of those that are queued, and of failed ones that were sent after all, to another
        device."""
        ...

    async def fail_sent_mail(self, user_id: UUID, mail_id: UUID, reason: str, at: datetime) -> None:
        """Store that a mail which a server had accepted came back: the deliveries that it was about have failed."""
        ...


def plan(notification: Notification, recipient: Recipient, now: datetime) -> list[Delivery]:
    """What is to become of a new notification, channel by channel."""
    return [_plan_channel(notification, recipient, channel, now) for channel in NotificationChannel]


def off_reason(recipient: Recipient, channel: NotificationChannel, notification: Notification) -> str | None:
    """Why a person is sent nothing about a notification on a channel; None where they are."""
    if channel not in recipient.settings.channels_for(notification.reason):
        return OFF_IN_PREFERENCES
    match channel:
        case NotificationChannel.EMAIL:
            return recipient.settings.email_off_reason or (None if recipient.has_verified_email else NOT_VERIFIED)
        case NotificationChannel.PUSH:
            return None if recipient.has_devices else NO_DEVICE
    return None


def _plan_channel(notification: Notification, recipient: Recipient, channel: NotificationChannel, now: datetime) -> Delivery:
    state, due = DeliveryState.SENT, now
    detail: str | None = None
    if (reason := off_reason(recipient, channel, notification)) is not None:
        state, detail = DeliveryState.SUPPRESSED, reason
    elif (window := _WINDOWS.get(channel)) is not None:
        settings, zone = recipient.settings, zone_of(recipient.time_zone)
        due = due_at(now, zone, settings.digest, settings.quiet_hours, window=window)
        is_held = due != due_at(now, zone, settings.digest, None, window=window)
        state = DeliveryState.QUEUED
        detail = QUIET_HOURS if is_held else DIGEST if settings.digest != "OFF" else None
    return Delivery(
        notification_id=notification.id,
        user_id=recipient.user_id,
        channel=channel,
        state=state,
        detail=detail,
        due_at=due,
        at=now,
    )


_WINDOWS: Final[Mapping[NotificationChannel, timedelta]] = {
    NotificationChannel.EMAIL: MAIL_WINDOW,
    NotificationChannel.PUSH: PUSH_WINDOW,
}
