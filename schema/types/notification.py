"""Defines Notification, its list, and the payload of marking."""

from datetime import datetime

import strawberry

import resolvers.notification
import resolvers.notification_settings
import resolvers.user
from domain.notification import DeliveryState, NotificationChannel, NotificationReason
from resolvers.enums import graphql_enum
from resolvers.page import exact_totals, total_counts
from schema.connection import Edge, PageInfo
from schema.fields import leaf, relation, view
from schema.node import Node
from schema.payload import MutationPayload
from schema.types.comment import Comment
from schema.types.user import User

graphql_enum(
    DeliveryState,
    "What came of a delivery.",
    QUEUED="It waits to be sent.",
    SENT="It was sent; mails: a mail server accepted it.",
    FAILED="It was refused for good.",
    SUPPRESSED="It is not sent.",
)


@view("A notification on one channel.")
class NotificationDelivery:
    """View over `domain.notification.Delivery`."""

    channel: NotificationChannel = leaf("Channel.")
    state: DeliveryState = leaf("What came of it.")
    detail: str | None = leaf("Why it waits, failed or is not sent.")
    at: datetime = leaf("Time at which it came into this state.")


@view("What the viewer is notified of: one event, or the events of one bulk change.")
class Notification(Node):
    """View over `domain.notification.Notification`."""

    reason: NotificationReason = leaf("Why the viewer is notified.")
    title: str = relation(
        resolvers.notification.titles,
        "The notification in a line, with names as they are now.",
        weight=3,
        needs=["reason", "actor_id", "subject_type", "subject_id", "event_ids"],
        personal=True,
    )
    body: str | None = relation(
        resolvers.notification.bodies, "Beginning of the comment that it is about.", needs=["comment_id"], personal=True
    )
    actor: User | None = relation(
        resolvers.user.actors, "User whose doing it is; null for the server itself.", needs=["actor_id"]
    )
    subject: Node | None = relation(
        resolvers.notification.subjects,
        "Task, document or project that it is about; of a bulk change, the first. Null for an invitation.",
        needs=["subject_type", "subject_id"],
        personal=True,
    )
    event_count: int = leaf(
        "Number of events that it stands for: more than 1 for a bulk change, 1,000 at most.",
        needs=["event_ids"],
    )
    comment: Comment | None = relation(
        resolvers.notification.comments, "Comment that it is about.", needs=["comment_id"], personal=True
    )
    group_key: str = leaf("Notifications with the same key are about the same subject, and collapse into one row of an inbox.")
    created_at: datetime = leaf("Time of the event.")
    read_at: datetime | None = leaf("Time at which it was read; null while it is unread.")
    archived_at: datetime | None = leaf("Time at which it was archived; null while it is not.")
    snoozed_until: datetime | None = leaf("Time at which it comes, or came, back to the inbox; null if it was not snoozed.")
    deliveries: list[NotificationDelivery] = relation(
        resolvers.notification_settings.deliveries, "What came of it on each channel.", needs=["id"], personal=True
    )


@strawberry.type(description="A page of notifications.")
class NotificationConnection:
    """View over `domain.page.Page`."""

    edges: list[Edge[Notification]] = leaf("Rows with their cursors.")
    nodes: list[Notification] = leaf("Rows without their cursors.")
    page_info: PageInfo = leaf("Position of the page in the list.")
    total_count: int = relation(total_counts, "Number of rows in the whole list; counted only when selected.")
    total_count_exact: bool = relation(
        exact_totals, "Whether that is the number of rows; false where there are more than 10,000, which are not counted on."
    )
    unread_count: int = relation(
        resolvers.notification.unread_counts, "Number of unread notifications in the inbox, up to 1,000.", personal=True
    )


@view("Result of marking notifications.")
class NotificationsPayload(MutationPayload):
    """Payload."""

    notifications: list[Notification] = leaf(
        "What was marked, as it is now: those with the given ids in their order; else those that changed, the first 100.",
        lambda outcome: [each for each in outcome.notifications or () if each is not None],  # hidden by now, in a replay
    )
    unread_count: int = relation(
        resolvers.notification.unread_counts, "Number of unread notifications in the inbox, up to 1,000.", personal=True
    )
