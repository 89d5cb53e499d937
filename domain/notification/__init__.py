"""Notifications: who is told of what, and what people do with it."""

from domain.notification.create import add_notifications, notify
from domain.notification.delivery import Delivery, DeliveryBatch, DeliveryState, DeliveryStore, Recipient
from domain.notification.entity import Notification, NotificationReason
from domain.notification.events import NotificationCreated, NotificationUpdated
from domain.notification.mark import MAX_MARKED, NotificationMark, mark
from domain.notification.proposal import EVENT_TYPES, Proposal, proposals
from domain.notification.settings import (
    DEFAULT_CHANNELS,
    DigestFrequency,
    NotificationChannel,
    NotificationSettings,
    NotificationSettingsStore,
    QuietHours,
    default_settings,
    switch_mail_off,
    unsubscribe,
    update,
)
from domain.notification.store import NotificationStore
from domain.notification.wording import title

__all__ = [
    "DEFAULT_CHANNELS",
    "EVENT_TYPES",
    "MAX_MARKED",
    "Delivery",
    "DeliveryBatch",
    "DeliveryState",
    "DeliveryStore",
    "DigestFrequency",
    "Notification",
    "NotificationChannel",
    "NotificationCreated",
    "NotificationMark",
    "NotificationReason",
    "NotificationSettings",
    "NotificationSettingsStore",
    "NotificationStore",
    "NotificationUpdated",
    "Proposal",
    "QuietHours",
    "Recipient",
    "add_notifications",
    "default_settings",
    "mark",
    "notify",
    "proposals",
    "switch_mail_off",
    "title",
    "unsubscribe",
    "update",
]
