"""Defines how the viewer wants to be notified."""

from domain.notification import NotificationChannel, NotificationReason
from schema.fields import leaf, view


@view("The channels on which the viewer is notified for one reason.")
class NotificationPreference:
    """View over `resolvers.notification_settings.Preference`."""

    reason: NotificationReason = leaf("Why the viewer is notified.")
    channels: list[NotificationChannel] = leaf("On which channels.")


@view("Hours of the viewer's wall clock in which no mails are sent.", name="QuietHours")
class QuietHoursView:
    """View over `domain.notification.QuietHours`."""

    from_: str = leaf("Time of day at which they begin, such as 22:00.", lambda hours: f"{hours.start:%H:%M}", name="from")
    to: str = leaf("Time of day at which they end, perhaps on the next day, such as 07:30.", lambda hours: f"{hours.end:%H:%M}")
    days: list[int] = leaf("Days on which they begin: 1 (Monday) to 7 (Sunday).")
