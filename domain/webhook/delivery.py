"""One message of a webhook, from the event to the receiver: what becomes of each attempt, and when the next one is made."""

import random
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar, Final
from uuid import UUID

RETENTION: Final = timedelta(days=7)
MAX_PENDING: Final = 10_000
"""Of one webhook; one that falls behind further is paused."""
RETRY_DELAYS_SECONDS: Final = (5, 30, 120, 600, 1_800, 3_600, 7_200, 14_400, 21_600, 32_400)
"""Between attempts, 23 hours together, each up to a tenth longer or shorter."""
MAX_ATTEMPTS: Final = len(RETRY_DELAYS_SECONDS) + 1
_MAX_RETRY_AFTER_SECONDS: Final = 3_600.0


class UnusablePayload(Exception):
    """What there is to send cannot be sent, now or later."""


class WebhookDeliveryState(StrEnum):
    """What came of a message."""

    PENDING = "PENDING"
    DELIVERED = "DELIVERED"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookDelivery:
    """
    One message. Its id is the `webhook-id`, the same at every attempt, and derives from the event and the webhook.

    `order_key`: the object that it is about; messages about one object leave in the order of `sequence`, each after the one
    before it was delivered or given up. `event_id` is None for a ping. `body` is None until the first attempt. `attempt`: how
    many were made; `at`: when the last was.
    """

    type_name: ClassVar[str] = "WebhookDelivery"

    id: UUID
    webhook_id: UUID
    event_id: UUID | None
    event_name: str
    order_key: UUID
    sequence: int
    state: WebhookDeliveryState = WebhookDeliveryState.PENDING
    attempt: int = 0
    body: str | None = None
    status_code: int | None = None
    duration_ms: int | None = None
    error: str | None = None
    response_body: str | None = None
    created_at: datetime
    at: datetime
    next_attempt_at: datetime | None


def succeeded(
    delivery: WebhookDelivery, *, status_code: int, duration_ms: int, response_body: str, now: datetime
) -> WebhookDelivery:
    """A message that a receiver has taken."""
    return replace(
        delivery,
        state=WebhookDeliveryState.DELIVERED,
        attempt=delivery.attempt + 1,
        status_code=status_code,
        duration_ms=duration_ms,
        error=None,
        response_body=response_body,
        at=now,
        next_attempt_at=None,
    )


def failed(
    delivery: WebhookDelivery,
    *,
    error: str,
    status_code: int | None,
    duration_ms: int | None,
    response_body: str | None,
    now: datetime,
    retry_after_seconds: float | None = None,
    is_final: bool = False,
) -> WebhookDelivery:
    """A message that could not be delivered: it is tried again later, or given up. `is_final`: trying again cannot help."""
    attempt = delivery.attempt + 1
    due_at = None if is_final else next_attempt(attempt, now, retry_after_seconds)
    return replace(
        delivery,
        state=WebhookDeliveryState.FAILED if due_at is None else WebhookDeliveryState.PENDING,
        attempt=attempt,
        status_code=status_code,
        duration_ms=duration_ms,
        error=error,
        response_body=response_body,
        at=now,
        next_attempt_at=due_at,
    )


def next_attempt(attempts: int, now: datetime, retry_after_seconds: float | None = None) -> datetime | None:
    """When the next attempt is made after so many; None after the last."""
    if attempts >= MAX_ATTEMPTS:
        return None
    delay = RETRY_DELAYS_SECONDS[attempts - 1] * random.uniform(0.9, 1.1)  # noqa: S311 (no secret)
    asked = min(retry_after_seconds or 0.0, _MAX_RETRY_AFTER_SECONDS)
    return now + timedelta(seconds=max(delay, asked))
