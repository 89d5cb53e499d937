"""Makes the payloads of webhooks: the result of a subscription document for one change, with the rights of the webhook's bot."""

from typing import Any, Final

from graphql import FieldNode, OperationType

from domain.actor import Actor, Scope
from domain.errors import DomainError
from domain.events import Entry
from domain.session import Device
from domain.webhook import UnusablePayload, Webhook
from gateway.execution.compiled.leaf_serialization import dump_data
from gateway.execution.executor import Executor, OperationRequest, OperationResult, PreparedOperation
from gateway.execution.limits import Limits
from gateway.subscriptions.plan import Planner, SubscriptionPlan
from resolvers.context import Context, Services
from resolvers.event_visibility import Change, ChangeVisibility
from resolvers.webhook import scope_filter
from schema.field_rules import field_weights
from schema.root import bindings, schema

DEFAULT_QUERY: Final = """subscription {
  changes {
    id kind type entityId at clientMutationId
    actor { id displayName }
    fields { field before after }
  }
}"""
MAX_PAYLOAD_BYTES: Final = 256 * 1024


class WebhookPayloads:
    """Checks documents when they are given, and executes them when something happens."""

    def __init__(self, limits: Limits) -> None:
        """It executes apart from requests, so that their documents do not displace each other's."""
        self._executor = Executor(
            schema, limits=limits, weights=field_weights(bindings), before_event=Context.clear_loaders, bindings=bindings
        )
        self._planner = Planner(self._executor)

    def problem(self, services: Services, actor: Actor, query: str) -> str | None:
        """Why a document cannot be that of a webhook with these rights; None for one that can."""
        prepared = self._prepare(query)
        if isinstance(prepared, OperationResult):
            return str(prepared.errors[0]["message"])
        try:
            self._plan(prepared).topic(self._executor.programs, prepared, Context(services, actor, Device()))
        except (DomainError, _Unsuitable) as error:
            return str(error) or "This document cannot be used."
        return None

    async def render(self, services: Services, webhook: Webhook, entry: Entry, name: str) -> str | None:
        """
        The body of the message about an entry; None where the bot may not see it, or the webhook's scope leaves it out.

        Raises UnusablePayload.
        """
        context = Context(services, bot_of(webhook), Device())
        prepared = self._prepare(webhook.query or DEFAULT_QUERY)
        if isinstance(prepared, OperationResult):  # it could run once, and another version of the graph refuses it
            return _body(entry, name, prepared)
        topic = self._plan(prepared).topic(self._executor.programs, prepared, context)
        visibility = ChangeVisibility(context, topic.scope)
        await visibility.refresh_rights()
        if not scope_filter(webhook.scope).matches(entry) or not (await topic.decide(visibility, entry)).deliver:
            return None
        change = Change(entry, {entry.stream: entry.position})
        return _body(entry, name, await self._executor.execute_event(prepared, context, change))

    def _prepare(self, query: str) -> PreparedOperation | OperationResult:
        return self._executor.prepare(OperationRequest(query=query))

    def _plan(self, prepared: PreparedOperation) -> SubscriptionPlan:
        definition = prepared.operation.definition
        if prepared.kind is not OperationType.SUBSCRIPTION or definition.variable_definitions:
            raise _Unsuitable("The document of a webhook is a subscription without variables: subscription { changes { … } }.")
        plan = self._planner.plan(prepared.operation)
        root = definition.selection_set.selections[0]
        if plan is None or not isinstance(root, FieldNode) or root.name.value != "changes":
            raise _Unsuitable("The document of a webhook subscribes to `changes`, and to nothing else.")
        return plan


class _Unsuitable(Exception):
    """A document that runs, but not for webhooks."""


def bot_of(webhook: Webhook) -> Actor:
    """Who sees what a webhook sends."""
    return Actor(user_id=webhook.bot_id, scopes=frozenset(map(Scope, webhook.scopes)), is_app=True)


def _body(entry: Entry, name: str, result: OperationResult) -> str:
    content: dict[str, Any] = {"type": name, "timestamp": entry.at, "data": result.data}
    if result.errors:
        content["errors"] = result.errors
    body = dump_data(content)
    if len(body) > MAX_PAYLOAD_BYTES:
        raise UnusablePayload(f"The payload has {len(body)} bytes; {MAX_PAYLOAD_BYTES} are allowed.")
    return body.decode()
