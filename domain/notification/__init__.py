"""Notifications: who is told of what, and what people do with it."""

from domain.notification.create import notify
from domain.notification.entity import Notification, NotificationReason
from domain.notification.events import NotificationCreated, NotificationUpdated
from domain.notification.mark import MAX_MARKED, NotificationMark, mark
from domain.notification.proposal import EVENT_TYPES, Proposal, proposals
from domain.notification.store import NotificationStore
from domain.notification.wording import title

__all__ = [
    "EVENT_TYPES",
    "MAX_MARKED",
    "Notification",
    "NotificationCreated",
    "NotificationMark",
    "NotificationReason",
    "NotificationStore",
    "NotificationUpdated",
    "Proposal",
    "mark",
    "notify",
    "proposals",
    "title",
]
