"""Defines the inputs of mutations of notifications."""

from datetime import datetime

import strawberry

from domain.notification import DigestFrequency, NotificationChannel, NotificationMark, NotificationReason
from resolvers.enums import graphql_enum
from resolvers.inputs.fields import client_mutation_id, input_type, optional, required

graphql_enum(
    NotificationReason,
    "Why a person is notified. Where several apply to one event, the first of these counts.",
    MENTIONED="They were mentioned in a comment.",
    ASSIGNED="A task was assigned to them.",
    REACTION="Somebody reacted to a comment of theirs.",
    INVITED="They were invited to a team.",
    ADDED_TO_PROJECT="They were added to a project.",
    DUE_SOON="A task of theirs is due on the next day, in their time zone.",
    OVERDUE="A task of theirs is overdue, in their time zone.",
    COMMENTED="Somebody commented on what they watch.",
    STATUS_CHANGED="The status of a task that they watch changed.",
    TASK_CHANGED="Title, description, priority, dates, estimate or project of a task that they watch changed.",
    DOCUMENT_CHANGED="Title or project of a document that they watch changed, or somebody saved a version of it.",
    WEBHOOK_PAUSED="A webhook of a team that they manage sends nothing any more, since its receiver failed.",
    JOB_FINISHED="A job of theirs that took more than ten seconds is done, or has failed.",
)
graphql_enum(
    NotificationMark,
    "What notifications are marked as.",
    READ="Read.",
    UNREAD="Unread.",
    ARCHIVED="Read and archived: not in the inbox any more.",
    UNARCHIVED="In the inbox again; not snoozed either.",
    SNOOZED="Not in the inbox until a time.",
)
graphql_enum(
    NotificationChannel,
    "On which way a person is notified.",
    IN_APP="In the inbox: `notifications`.",
    EMAIL="By mail.",
    PUSH="By a push to the devices that are registered.",
)
graphql_enum(
    DigestFrequency,
    "How often mails and pushes about notifications are sent.",
    OFF="At once; what happens within 20 seconds is one mail, within 2 one push.",
    HOURLY="At every full hour.",
    DAILY="At 9:00 in the viewer's time zone.",
    WEEKLY="On Mondays at 9:00 in the viewer's time zone.",
)


@input_type("Input of `notificationsMark`. One of `ids`, `groupKey` and `all: true` is required.")
class NotificationsMarkInput:
    """Input of `notificationsMark`."""

    ids: list[strawberry.ID] | None = optional("These notifications, 100 at most.", of="Notification")
    group_key: str | None = optional("Those with this `groupKey`, the newest 1,000.")
    all: bool | None = optional("All in the inbox, the newest 1,000.")
    as_: NotificationMark = required("What to mark them as.", name="as")
    snooze_until: datetime | None = optional("Until when they are hidden; required with SNOOZED.")
    client_mutation_id: str | None = client_mutation_id()


@input_type("The channels for one reason.")
class NotificationPreferenceInput:
    """Part of `notificationPreferencesUpdate`."""

    reason: NotificationReason = required("Why the viewer is notified.")
    channels: list[NotificationChannel] = required("On which channels; none at all is allowed.")


@input_type("Hours of the viewer's wall clock in which no mails and pushes are sent.")
class QuietHoursInput:
    """Part of `notificationPreferencesUpdate`."""

    from_: str = required("Time of day at which they begin, such as 22:00.", name="from")
    to: str = required("Time of day at which they end, perhaps on the next day, such as 07:30.")
    days: list[int] = required("Days on which they begin: 1 (Monday) to 7 (Sunday).")


@input_type("Input of `notificationPreferencesUpdate`. Omitted fields remain unchanged.")
class NotificationPreferencesUpdateInput:
    """Input of `notificationPreferencesUpdate`."""

    set: list[NotificationPreferenceInput] | None = optional("Channels by reason; other reasons remain unchanged.")
    quiet_hours: QuietHoursInput | None = optional("Quiet hours; null: none.")
    digest: DigestFrequency | None = optional("How often mails and pushes are sent.")
    push_content: bool | None = optional("Whether pushes show titles and texts.")
    client_mutation_id: str | None = client_mutation_id()
