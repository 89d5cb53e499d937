"""Says on which channels a notification is delivered, and when; and records what came of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol
from uuid import UUID

from domain.notification.entity import Notification
from domain.notification.settings import NotificationChannel, NotificationSettings
from domain.notification.timing import mail_due_at, zone_of

OFF_IN_PREFERENCES: Final = "Off in the preferences."
NOT_VERIFIED: Final = "The e-mail address is not verified."
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """What deliveries depend on of a person."""

    user_id: UUID
    time_zone: str
    has_verified_email: bool
    settings: NotificationSettings


class DeliveryStore(Protocol):
    """Stores deliveries."""

    async def recipients(self, user_ids: Sequence[UUID]) -> Mapping[UUID, Recipient]: ...
    async def add(self, deliveries: Sequence[Delivery]) -> None: ...
    async def finish(self, deliveries: Sequence[Delivery]) -> None:
        """Store what came of deliveries."""
        ...


def plan(notification: Notification, recipient: Recipient, now: datetime) -> list[Delivery]:
    """What is to become of a new notification, channel by channel."""
    wanted = recipient.settings.channels_for(notification.reason)
    zone, quiet = zone_of(recipient.time_zone), recipient.settings.quiet_hours

    def delivery(
        channel: NotificationChannel, state: DeliveryState, detail: str | None = None, due_at: datetime = now
    ) -> Delivery:
        return Delivery(
            notification_id=notification.id,
            user_id=recipient.user_id,
            channel=channel,
            state=state,
            detail=detail,
            due_at=due_at,
            at=now,
        )

    planned = []
    for channel in NotificationChannel:
        if channel not in wanted:
            planned.append(delivery(channel, DeliveryState.SUPPRESSED, OFF_IN_PREFERENCES))
        elif channel is NotificationChannel.IN_APP:
            planned.append(delivery(channel, DeliveryState.SENT))
        else:
            reason = recipient.settings.email_off_reason or (None if recipient.has_verified_email else NOT_VERIFIED)
            if reason is not None:
                planned.append(delivery(channel, DeliveryState.SUPPRESSED, reason))
                continue
            digest = recipient.settings.digest
            due = mail_due_at(now, zone, digest, quiet)
            held = due != mail_due_at(now, zone, digest, None)
            detail = QUIET_HOURS if held else DIGEST if digest != "OFF" else None
            planned.append(delivery(channel, DeliveryState.QUEUED, detail, due))
    return planned
