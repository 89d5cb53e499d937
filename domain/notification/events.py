"""What can happen to a notification, in the stream of the person whose it is."""

from dataclasses import dataclass

from domain.events import ChangeKind, Event, FieldChange, difference, user_stream
from domain.notification.entity import Notification


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationEvent(Event):
    """Something about a notification."""

    notification: Notification

    @property
    def stream(self) -> str:
        return user_stream(self.notification.user_id)

    @property
    def entity(self) -> Notification:
        return self.notification


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationCreated(NotificationEvent):
    """A person is notified."""

    kind = ChangeKind.CREATED


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationUpdated(NotificationEvent):
    """A notification was read, archived or snoozed, or stands for further events of its bulk change."""

    kind = ChangeKind.UPDATED
    before: Notification

    @property
    def changes(self) -> tuple[FieldChange, ...]:
        return difference(self.before, self.notification)
