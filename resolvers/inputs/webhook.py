"""Defines the inputs of mutations of webhooks."""

import strawberry

from domain.webhook import WebhookState as WebhookState
from resolvers.enums import graphql_enum
from resolvers.inputs.change import ChangeScope
from resolvers.inputs.fields import client_mutation_id, input_type, optional, required
from resolvers.scalars import URL

graphql_enum(
    WebhookState,
    "Whether a webhook sends.",
    ACTIVE="It sends.",
    PAUSED="It sends nothing: an admin paused it, or the server, when its receiver had failed for a day.",
    DISABLED="It sends nothing: an admin switched it off, or its receiver answered 410 Gone.",
)

_EVENTS = "Names of events, such as `task.updated`; `task.*` for all of a kind, `*` for all."
_SCOPE = "Narrows what is sent."
_QUERY = "Subscription on `changes` without variables, whose result is the `data` of the payload; a default without one."


@input_type("Input of `webhookCreate`.")
class WebhookCreateInput:
    """Input of `webhookCreate`."""

    team_id: strawberry.ID = required("The team whose changes are sent.", of="Team")
    url: URL = required("https address that receives them.")
    events: list[str] = required(_EVENTS)
    scope: ChangeScope | None = optional(_SCOPE)
    query: str | None = optional(_QUERY)
    client_mutation_id: str | None = client_mutation_id()


@input_type("Input of `webhookUpdate`. Omitted fields remain unchanged, null clears a value.")
class WebhookUpdateInput:
    """Input of `webhookUpdate`."""

    id: strawberry.ID = required("The webhook.", of="Webhook")
    url: URL | None = optional("https address that receives the changes.")
    events: list[str] | None = optional(_EVENTS)
    scope: ChangeScope | None = optional(_SCOPE)
    query: str | None = optional(_QUERY)
    state: WebhookState | None = optional("ACTIVE sends at once what waited; what happened meanwhile is not sent.")
    expected_version: int | None = optional("The version that was read; another one is a conflict.")
    client_mutation_id: str | None = client_mutation_id()


@input_type("Input of `webhookPing`.")
class WebhookPingInput:
    """Input of `webhookPing`."""

    id: strawberry.ID = required("The webhook.", of="Webhook")
    client_mutation_id: str | None = client_mutation_id()


@input_type("Input of `webhookRedeliver`.")
class WebhookRedeliverInput:
    """Input of `webhookRedeliver`."""

    delivery_id: strawberry.ID = required("The delivery.", of="WebhookDelivery")
    client_mutation_id: str | None = client_mutation_id()
