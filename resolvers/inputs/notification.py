"""Defines the inputs of mutations of notifications."""

from datetime import datetime

import strawberry

from domain.notification import NotificationMark
from resolvers.inputs.fields import client_mutation_id, input_type, optional, required


@input_type("Input of `notificationsMark`. One of `ids`, `groupKey` and `all: true` is required.")
class NotificationsMarkInput:
    """Input of `notificationsMark`."""

    ids: list[strawberry.ID] | None = optional("These notifications, 100 at most.", of="Notification")
    group_key: str | None = optional("Those with this `groupKey`, the newest 1,000.")
    all: bool | None = optional("All in the inbox, the newest 1,000.")
    as_: NotificationMark = required("What to mark them as.", name="as")
    snooze_until: datetime | None = optional("Until when they are hidden; required with SNOOZED.")
    client_mutation_id: str | None = client_mutation_id()
