"""Creating, changing and deleting webhooks, and asking for messages again."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from domain import team as teams
from domain.actor import Actor, Scope
from domain.bot import add_bot, remove_bot
from domain.errors import Invalid, LimitExceeded, NotFound
from domain.oauth_client import NOT_FOR_APPS
from domain.outgoing_url import OutgoingRules, UnsafeUrl
from domain.permissions import Access, Action, ResourceKind, Role, access
from domain.ports import UnitOfWork
from domain.version import require_version, with_changes
from domain.webhook.delivery import WebhookDelivery, WebhookDeliveryState
from domain.webhook.entity import (
    MAX_WEBHOOKS,
    Webhook,
    WebhookCreated,
    WebhookDeleted,
    WebhookSecretRotated,
    WebhookState,
    WebhookUpdated,
    logged,
    validate_events,
)
from domain.webhook.signature import WebhookSecrets, new_secret

SECRET_OVERLAP: Final = timedelta(hours=24)
PING: Final = "ping"
_READING: Final = frozenset(
    {Scope.TEAMS_READ, Scope.PROJECTS_READ, Scope.TASKS_READ, Scope.DOCUMENTS_READ, Scope.SEARCH, Scope.PROFILE_READ}
)


def lent_scopes(actor: Actor) -> tuple[Scope, ...]:
    """What a webhook may read that an actor makes or changes: no more than their own token."""
    return tuple(each for each in Scope if each in actor.scopes & _READING - NOT_FOR_APPS)


async def create(
    uow: UnitOfWork,
    actor: Actor,
    team_id: UUID,
    *,
    url: str,
    events: Sequence[str],
    scope: Mapping[str, Any] | None,
    query: str | None,
    rules: OutgoingRules,
    secrets: WebhookSecrets,
) -> tuple[Webhook, str]:
    """Make a webhook and its bot; the second value is its secret. The caller has validated the document."""
    team, role, _ = await teams.open_team(uow, actor, team_id)
    _rights(actor, role).require(Action.MANAGE)
    if await uow.webhooks.count(team_id) >= MAX_WEBHOOKS:
        raise LimitExceeded(f"A team has at most {MAX_WEBHOOKS} webhooks; delete one first.", MAX_WEBHOOKS)
    webhook_id = uow.new_id()
    key, secret = new_secret()
    webhook = Webhook(
        id=webhook_id,
        created_at=uow.now,
        updated_at=uow.now,
        team_id=team_id,
        bot_id=webhook_id,
        url=_validate_url(url, rules),
        events=validate_events(events),
        scope=scope,
        query=query,
        scopes=lent_scopes(actor),
        encrypted_secret=secrets.encrypt(key, owner=webhook_id),
    )
    bot = await add_bot(uow, actor, team, f"Webhook {webhook.host}"[:100])
    webhook = replace(webhook, bot_id=bot.id)
    await uow.webhooks.add(webhook)
    uow.record(WebhookCreated(actor_id=actor.user_id, team_id=team_id, webhook=logged(webhook)))
    return webhook, secret


async def update(
    uow: UnitOfWork,
    actor: Actor,
    webhook_id: UUID,
    values: Mapping[str, Any],
    *,
    expected_version: int | None,
    rules: OutgoingRules,
) -> Webhook:
    """Change `url`, `events`, `scope`, `query` or `state`. One that is made active again sends at once what waits."""
    before = await _open(uow, actor, webhook_id)
    require_version(before, expected_version)
    changes: dict[str, Any] = {name: values[name] for name in ("scope", "query") if name in values}
    if "url" in values:
        changes["url"] = _validate_url(values["url"] or "", rules)
    if "events" in values:
        changes["events"] = validate_events(values["events"] or ())
    if (state := values.get("state")) is not None and state is not before.state:
        changes |= {"state": state, "state_reason": None, "failing_since": None}
    if "query" in changes:
        changes["scopes"] = lent_scopes(actor)
    webhook = with_changes(before, uow.now, **changes)
    if webhook is before:
        return before
    await uow.webhooks.save(webhook)
    if webhook.state is WebhookState.ACTIVE and before.state is not WebhookState.ACTIVE:
        await uow.webhooks.make_due(webhook.id)
    _record_update(uow, actor.user_id, before, webhook)
    return webhook


async def rotate_secret(
    uow: UnitOfWork, actor: Actor, webhook_id: UUID, *, expected_version: int | None, secrets: WebhookSecrets
) -> tuple[Webhook, str]:
    """Sign with another secret; the one before it signs as well for another day."""
    before = await _open(uow, actor, webhook_id)
    require_version(before, expected_version)
    key, secret = new_secret()
    webhook = with_changes(
        before,
        uow.now,
        encrypted_secret=secrets.encrypt(key, owner=before.id),
        previous_encrypted_secret=before.encrypted_secret,
        previous_secret_expires_at=uow.now + SECRET_OVERLAP,
    )
    await uow.webhooks.save(webhook)
    uow.record(WebhookSecretRotated(actor_id=actor.user_id, team_id=webhook.team_id, webhook=logged(webhook)))
    return webhook, secret


async def delete(uow: UnitOfWork, actor: Actor, webhook_id: UUID, *, expected_version: int | None) -> UUID:
    """Delete a webhook with its log; its bot leaves the team."""
    before = await _open(uow, actor, webhook_id)
    require_version(before, expected_version)
    webhook = with_changes(before, uow.now, deleted_at=uow.now, state=WebhookState.DISABLED)
    await uow.webhooks.save(webhook)
    await uow.webhooks.discard_deliveries(webhook.id)
    await remove_bot(uow, actor, webhook.bot_id)
    uow.record(WebhookDeleted(actor_id=actor.user_id, team_id=webhook.team_id, webhook=logged(webhook)))
    return webhook.id


async def ping(uow: UnitOfWork, actor: Actor, webhook_id: UUID) -> None:
    """Have a test message sent."""
    webhook = await _open(uow, actor, webhook_id)
    if webhook.state is not WebhookState.ACTIVE:
        raise Invalid(("input", "id"), "The webhook sends nothing: make it active first.")
    message_id = uow.new_id()
    delivery = WebhookDelivery(
        id=message_id,
        webhook_id=webhook.id,
        event_id=None,
        event_name=PING,
        order_key=message_id,
        sequence=0,
        created_at=uow.now,
        at=uow.now,
        next_attempt_at=uow.now,
    )
    await uow.webhooks.add_deliveries([delivery])


async def redeliver(uow: UnitOfWork, actor: Actor, delivery_id: UUID) -> None:
    """Have a message sent again, under the same id, with as many attempts as a new one. One that waits is tried at once."""
    path = ("input", "deliveryId")
    webhook_id = await uow.webhooks.webhook_of(delivery_id)
    if webhook_id is None:
        raise NotFound(path)
    webhook = await _open(uow, actor, webhook_id, path)
    delivery = await uow.webhooks.lock_delivery(delivery_id)
    if delivery is None:
        raise NotFound(path)
    if webhook.state is not WebhookState.ACTIVE:
        raise Invalid(path, "The webhook sends nothing: make it active first.")
    again = replace(delivery, state=WebhookDeliveryState.PENDING, attempt=0, next_attempt_at=uow.now)
    await uow.webhooks.save_deliveries([again])
    await uow.webhooks.make_due(webhook.id)


async def pause(uow: UnitOfWork, webhook_id: UUID, reason: str, *, state: WebhookState = WebhookState.PAUSED) -> Webhook | None:
    """Stop sending, for a reason that its admins are shown; None where it does not send any more."""
    before = await uow.webhooks.lock(webhook_id)
    if before is None or before.state is not WebhookState.ACTIVE:
        return None
    webhook = with_changes(before, uow.now, state=state, state_reason=reason)
    await uow.webhooks.save(webhook)
    _record_update(uow, None, before, webhook)
    return webhook


def _record_update(uow: UnitOfWork, actor_id: UUID | None, before: Webhook, webhook: Webhook) -> None:
    uow.record(WebhookUpdated(actor_id=actor_id, team_id=webhook.team_id, webhook=logged(webhook), before=logged(before)))


async def _open(uow: UnitOfWork, actor: Actor, webhook_id: UUID, path: tuple[str, ...] = ("input", "id")) -> Webhook:
    """Fetch, lock and authorise; who does not manage the team learns nothing."""
    webhook = await uow.webhooks.lock(webhook_id)
    if webhook is None:
        raise NotFound(path)
    _, role, _ = await teams.open_team(uow, actor, webhook.team_id, path=path)
    rights = _rights(actor, role)
    if Action.READ not in rights.actions:
        raise NotFound(path)
    rights.require(Action.MANAGE)
    return webhook


def _rights(actor: Actor, role: Role) -> Access:
    return access(actor, role, ResourceKind.WEBHOOK)


def _validate_url(url: str, rules: OutgoingRules) -> str:
    try:
        rules.parse(url)
    except UnsafeUrl as error:
        raise Invalid(("input", "url"), str(error)) from error
    return url
