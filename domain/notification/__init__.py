"""Notifications: who is notified of what, and what people do with it."""

from domain.notification.create import add_notifications, notify
from domain.notification.delivery import Delivery, DeliveryBatch, DeliveryState, DeliveryStore, Recipient, batch_id
from domain.notification.due import OVERDUE_DAYS, DueTask, day_in_zone, notify_due
from domain.notification.entity import Notification, NotificationReason
from domain.notification.events import NotificationCreated, NotificationUpdated
from domain.notification.mark import MAX_MARKED, NotificationMark, mark
from domain.notification.proposal import EVENT_TYPES, Proposal, proposals
from domain.notification.push import NotificationText, push_message
from domain.notification.settings import (
    DEFAULT_CHANNELS,
    UNSUBSCRIBED,
    DigestFrequency,
    NotificationChannel,
    NotificationSettings,
    NotificationSettingsStore,
    QuietHours,
    default_settings,
    forget_address,
    switch_mail_off,
    unsubscribe,
    update,
)
from domain.notification.store import NotificationStore
from domain.notification.timing import after_quiet, due_at, is_quiet, zone_of
from domain.notification.unsubscribe_token import UnsubscribeTokens
from domain.notification.wording import excerpt, subject_label, title

__all__ = [
    "DEFAULT_CHANNELS",
    "EVENT_TYPES",
    "MAX_MARKED",
    "OVERDUE_DAYS",
    "UNSUBSCRIBED",
    "Delivery",
    "DeliveryBatch",
    "DeliveryState",
    "DeliveryStore",
    "DigestFrequency",
    "DueTask",
    "Notification",
    "NotificationChannel",
    "NotificationCreated",
    "NotificationMark",
    "NotificationReason",
    "NotificationSettings",
    "NotificationSettingsStore",
    "NotificationStore",
    "NotificationText",
    "NotificationUpdated",
    "Proposal",
    "QuietHours",
    "Recipient",
    "UnsubscribeTokens",
    "add_notifications",
    "after_quiet",
    "batch_id",
    "day_in_zone",
    "default_settings",
    "due_at",
    "excerpt",
    "forget_address",
    "is_quiet",
    "mark",
    "notify",
    "notify_due",
    "proposals",
    "push_message",
    "subject_label",
    "switch_mail_off",
    "title",
    "unsubscribe",
    "update",
    "zone_of",
]
