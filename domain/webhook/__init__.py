"""Webhooks: what happens in a team, sent to addresses that its admins name (docs/webhooks.md)."""

from domain.webhook.delivery import (
    MAX_ATTEMPTS,
    MAX_PENDING,
    RETENTION,
    UnusablePayload,
    WebhookDelivery,
    WebhookDeliveryState,
    failed,
    next_attempt,
    succeeded,
)
from domain.webhook.edit import create, delete, pause, ping, redeliver, rotate_secret, update
from domain.webhook.entity import (
    EVENT_NAMES,
    MAX_WEBHOOKS,
    LoggedWebhook,
    Webhook,
    WebhookCreated,
    WebhookDeleted,
    WebhookSecretRotated,
    WebhookState,
    WebhookUpdated,
    wants,
)
from domain.webhook.signature import SECRET_PREFIX, WebhookSecrets, new_secret, sign
from domain.webhook.store import WebhookStore

__all__ = [
    "EVENT_NAMES",
    "MAX_ATTEMPTS",
    "MAX_PENDING",
    "MAX_WEBHOOKS",
    "RETENTION",
    "SECRET_PREFIX",
    "LoggedWebhook",
    "UnusablePayload",
    "Webhook",
    "WebhookCreated",
    "WebhookDeleted",
    "WebhookDelivery",
    "WebhookDeliveryState",
    "WebhookSecretRotated",
    "WebhookSecrets",
    "WebhookState",
    "WebhookStore",
    "WebhookUpdated",
    "create",
    "delete",
    "failed",
    "new_secret",
    "next_attempt",
    "pause",
    "ping",
    "redeliver",
    "rotate_secret",
    "sign",
    "succeeded",
    "update",
    "wants",
]
