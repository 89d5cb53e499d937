"""Sends one message of a webhook, and records what came of it.

It is recorded by a transaction that holds the sender's lease: a sender that took longer records nothing, and the message is sent
again under the same id.
"""

import asyncio
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

import orjson

from domain.outgoing_url import UnsafeUrl
from domain.webhook import (
    UnusablePayload,
    Webhook,
    WebhookDelivery,
    WebhookDeliveryState,
    WebhookState,
    failed,
    sign,
    succeeded,
)
from outgoing.safe_http import OutgoingError, OutgoingResponse
from persistence.events.streams import StreamLog
from persistence.stores.webhook import Claim
from workers.job import Work, open_work
from workers.services import WorkerServices
from workers.webhook_pause import pause

FAILING_PERIOD: Final = timedelta(hours=20)
"""A webhook that has done nothing but fail for so long, when a message is given up, is paused."""
_MAX_RESPONSE_CHARS: Final = 8_192
_GONE: Final = 410
_BUSY: Final = (429, 503)


@dataclass(frozen=True, slots=True)
class Sent:
    """What came of one attempt. `seconds`: how long the receiver took; `is_recorded`: whether the lease was held until then."""

    seconds: float
    is_recorded: bool


async def deliver(services: WorkerServices, webhook: Webhook, claim: Claim, delivery: WebhookDelivery) -> Sent:
    """One attempt. Raises Unavailable."""
    try:
        body = delivery.body if delivery.body is not None else await _render(services, webhook, delivery)
    except UnusablePayload as error:
        outcome = failed(
            delivery,
            error=str(error),
            status_code=None,
            duration_ms=None,
            response_body=None,
            now=datetime.now(UTC),
            is_final=True,
        )
        return Sent(0.0, await _record(services, webhook, claim, outcome, is_receivers_fault=False))
    if body is None:  # the bot may not see it, or the scope leaves it out
        async with open_work(services) as work:
            is_held = await work.uow.webhooks.holds(claim)
            if is_held:
                await work.uow.webhooks.discard_delivery(delivery.id)
        return Sent(0.0, is_held)
    began = asyncio.get_running_loop().time()
    outcome = await _attempt(services, webhook, replace(delivery, body=body), began)
    seconds = asyncio.get_running_loop().time() - began
    return Sent(seconds, await _record(services, webhook, claim, outcome, is_receivers_fault=True))


async def _render(services: WorkerServices, webhook: Webhook, delivery: WebhookDelivery) -> str | None:
    if delivery.event_id is None:
        ping = {"type": delivery.event_name, "timestamp": delivery.created_at, "data": {}}
        return orjson.dumps(ping, option=orjson.OPT_UTC_Z).decode()
    entry = (await StreamLog(services.database).by_ids([delivery.event_id])).get(delivery.event_id)
    if entry is None:
        raise UnusablePayload("The change is no longer kept.")
    return await services.render_webhook(webhook, entry, delivery.event_name)


async def _attempt(services: WorkerServices, webhook: Webhook, delivery: WebhookDelivery, began: float) -> WebhookDelivery:
    """Send a message: how it is after that."""

    def elapsed_ms() -> int:
        return round((asyncio.get_running_loop().time() - began) * 1000)

    keys = _signing_keys(services, webhook)
    if not keys:
        return failed(
            delivery,
            error="The secret cannot be decrypted with this server's HIVE_SECRET_KEY: rotate it.",
            status_code=None,
            duration_ms=None,
            response_body=None,
            now=datetime.now(UTC),
        )
    message_id, timestamp = str(delivery.id), int(time.time())
    body = (delivery.body or "").encode()
    headers = {
        "Content-Type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": sign(keys, message_id, timestamp, body),
    }
    try:
        response = await services.outgoing.request("POST", webhook.url, headers=headers, body=body)
    except (OutgoingError, UnsafeUrl) as error:
        return failed(
            delivery,
            error=str(error),
            status_code=None,
            duration_ms=elapsed_ms(),
            response_body=None,
            now=datetime.now(UTC),
        )
    said = response.body.decode("utf-8", "replace").replace("\0", "\N{REPLACEMENT CHARACTER}")[:_MAX_RESPONSE_CHARS]
    if 200 <= response.status < 300:
        return succeeded(
            delivery, status_code=response.status, duration_ms=elapsed_ms(), response_body=said, now=datetime.now(UTC)
        )
    return failed(
        delivery,
        error=f"The receiver answered {response.status}.",
        status_code=response.status,
        duration_ms=elapsed_ms(),
        response_body=said,
        now=datetime.now(UTC),
        retry_after_seconds=_retry_after(response),
        is_final=response.status == _GONE,
    )


def _signing_keys(services: WorkerServices, webhook: Webhook) -> list[bytes]:
    """The newest first; the one before it as long as it counts."""
    encrypted = [webhook.encrypted_secret]
    until = webhook.previous_secret_expires_at
    if webhook.previous_encrypted_secret is not None and until is not None and datetime.now(UTC) < until:
        encrypted.append(webhook.previous_encrypted_secret)
    keys = (services.webhook_secrets.decrypt(each, owner=webhook.id) for each in encrypted)
    return [key for key in keys if key is not None]


def _retry_after(response: OutgoingResponse) -> float | None:
    value = response.headers.get("retry-after", "")
    return float(value) if response.status in _BUSY and value.isascii() and value.isdecimal() and len(value) < 9 else None


async def _record(
    services: WorkerServices, webhook: Webhook, claim: Claim, delivery: WebhookDelivery, *, is_receivers_fault: bool
) -> bool:
    """Store what came of an attempt; False where the lease has ended."""
    has_failed = delivery.error is not None and is_receivers_fault
    async with open_work(services) as work:
        changes_state = has_failed != (webhook.failing_since is not None) or delivery.state is WebhookDeliveryState.FAILED
        if changes_state and is_receivers_fault:  # before the lease: everybody locks in this order
            await work.uow.webhooks.lock(webhook.id)
        if not await work.uow.webhooks.holds(claim):
            return False
        await work.uow.webhooks.save_deliveries([delivery])
        if changes_state and is_receivers_fault:
            await work.uow.webhooks.note_failing(webhook.id, delivery.at if has_failed else None)
            await _judge(work, webhook, delivery)
    return True


async def _judge(work: Work, webhook: Webhook, delivery: WebhookDelivery) -> None:
    """Stop a webhook whose receiver is gone, or has failed for as long as messages are tried."""
    if delivery.state is not WebhookDeliveryState.FAILED:
        return
    if delivery.status_code == _GONE:
        await pause(work.uow, work.jobs, webhook.id, "The receiver answered 410: it wants no more.", state=WebhookState.DISABLED)
        return
    current = await work.uow.webhooks.lock(webhook.id)
    if current is None or current.failing_since is None or delivery.at - current.failing_since < FAILING_PERIOD:
        return
    await pause(work.uow, work.jobs, webhook.id, f"The receiver has failed since {current.failing_since:%Y-%m-%d %H:%M} UTC.")
