"""Declares the fields of the roots that are about webhooks."""

import strawberry

import resolvers.webhook
from domain.actor import Scope
from resolvers.inputs import team as team_inputs
from resolvers.inputs import webhook as inputs
from schema.fields import query
from schema.payload import mutation
from schema.types.user import BasicPayload, DeletePayload
from schema.types.webhook import Webhook, WebhookPayload


@strawberry.type
class WebhookQueries:
    """Part of the root of queries."""

    webhook: Webhook | None = query(
        resolvers.webhook.get, "A webhook of a team that the viewer manages.", guard=Scope.WEBHOOKS_MANAGE
    )


@strawberry.type
class WebhookMutations:
    """Part of the root of mutations."""

    webhook_create: WebhookPayload | None = mutation(
        resolvers.webhook.create,
        inputs.WebhookCreateInput,
        "Creates a webhook of a team, with its bot, whose rights decide what is sent.",
        guard=Scope.WEBHOOKS_MANAGE,
        prepare=resolvers.webhook.check_document,
    )
    webhook_update: WebhookPayload | None = mutation(
        resolvers.webhook.update,
        inputs.WebhookUpdateInput,
        "Changes a webhook, pauses it, or lets it send again.",
        guard=Scope.WEBHOOKS_MANAGE,
        prepare=resolvers.webhook.check_document,
    )
    webhook_rotate_secret: WebhookPayload | None = mutation(
        resolvers.webhook.rotate_secret,
        team_inputs.DeleteInput,
        "Replaces the secret of a webhook; for 24 hours messages are signed with the one before it as well.",
        guard=Scope.WEBHOOKS_MANAGE,
        delete=["Webhook"],
    )
    webhook_ping: BasicPayload | None = mutation(
        resolvers.webhook.ping,
        inputs.WebhookPingInput,
        "Has a webhook send a test message.",
        guard=Scope.WEBHOOKS_MANAGE,
    )
    webhook_redeliver: BasicPayload | None = mutation(
        resolvers.webhook.redeliver,
        inputs.WebhookRedeliverInput,
        "Has a message sent again, under the same id.",
        guard=Scope.WEBHOOKS_MANAGE,
    )
    webhook_delete: DeletePayload | None = mutation(
        resolvers.webhook.delete,
        team_inputs.DeleteInput,
        "Deletes a webhook and its messages; its bot leaves the team.",
        guard=Scope.WEBHOOKS_MANAGE,
        delete=["Webhook"],
    )
