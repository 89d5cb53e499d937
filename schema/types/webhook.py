"""Defines Webhook, its deliveries, and their payloads."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

import resolvers.team
import resolvers.user
import resolvers.webhook
from domain.actor import Scope
from domain.webhook import WebhookDeliveryState
from resolvers.enums import graphql_enum
from resolvers.inputs.webhook import WebhookState  # which is declared there
from resolvers.scalars import JSON, URL
from schema.connection import Connection
from schema.fields import leaf, relation, view
from schema.node import Entity, Node
from schema.payload import MutationPayload
from schema.types.change import Change
from schema.types.user import User

if TYPE_CHECKING:
    from schema.types.team import Team

graphql_enum(
    WebhookDeliveryState,
    "What came of a message of a webhook.",
    PENDING="It waits for its first or next attempt.",
    DELIVERED="The receiver took it.",
    FAILED="It was given up.",
)


@view("A message of a webhook, with its last attempt; kept for seven days.")
class WebhookDelivery(Node):
    """View over `domain.webhook.WebhookDelivery`."""

    webhook_id: strawberry.ID = leaf(
        "The `webhook-id` header: the same at every attempt.", lambda each: str(each.id), needs=["id"]
    )
    event: str = leaf("Name of the event; `ping` for a test message.", "event_name")
    change: Change | None = relation(
        resolvers.webhook.changes,
        "Change that it is about; null for a test message, and where the viewer may not see it.",
        needs=["event_id"],
        guard=Scope.TASKS_READ,
        personal=True,
    )
    state: WebhookDeliveryState = leaf("What came of it.", lambda each: WebhookDeliveryState(each.state), needs=["state"])
    attempt: int = leaf("How many attempts were made.")
    status_code: int | None = leaf("HTTP status of the receiver's last answer; null without one.")
    duration_ms: int | None = leaf("How long the last attempt took, in milliseconds.")
    error: str | None = leaf("Why the last attempt failed.")
    body: str | None = leaf("What was sent; null before the first attempt.")
    response_body: str | None = leaf("Beginning of the receiver's last answer.")
    created_at: datetime = leaf("Time at which it was made.")
    at: datetime = leaf("Time of the last attempt.")
    next_attempt_at: datetime | None = leaf("Time of the next attempt; null when none follows.")


@view("An address that is sent the changes of a team.")
class Webhook(Entity):
    """View over `domain.webhook.Webhook`."""

    team: Annotated["Team", strawberry.lazy("schema.types.team")] = relation(
        resolvers.team.of_parents, "Team whose changes are sent.", needs=["team_id"], guard=Scope.TEAMS_READ
    )
    bot: User = relation(
        resolvers.user.bots,
        "Member of the team as which it sees changes; add it to private projects to have them sent.",
        needs=["bot_id"],
    )
    url: URL = leaf("Address of the receiver.")
    state: WebhookState = leaf("Whether it sends.", lambda each: WebhookState(each.state), needs=["state"])
    state_reason: str | None = leaf("Why the server stopped it; null where it did not.")
    events: list[str] = leaf("Names of the events that are sent.")
    scope: JSON | None = leaf("What narrows them, as `ChangeScope`.", resolvers.webhook.shown_scope, needs=["scope"])
    query: str | None = leaf("Subscription whose result is the `data` of the payload; null for the default.")
    deliveries: Connection[WebhookDelivery] = relation(
        resolvers.webhook.deliveries, "Its messages of the last seven days, latest first.", needs=["id"]
    )


@view("Result of a mutation of a webhook.")
class WebhookPayload(MutationPayload):
    """Payload."""

    webhook: Webhook | None = leaf("The webhook as it is now.")
    secret: str | None = leaf("The new secret, which verifies what is sent; shown once.")
