"""Defines the inputs of mutations of API tokens."""

from datetime import datetime

from domain.actor import Scope
from resolvers.enums import graphql_enum
from resolvers.inputs.fields import client_mutation_id, input_type, optional, required

graphql_enum(
    Scope,
    "Scope of an OAuth access token.",
    name="OAuthScope",
    PROFILE_READ="Read the viewer's profile and account.",
    PROFILE_WRITE="Change the viewer's profile and account.",
    TEAMS_READ="Read teams, members and labels.",
    TEAMS_WRITE="Change teams, members and labels.",
    PROJECTS_READ="Read projects.",
    PROJECTS_WRITE="Change projects.",
    TASKS_READ="Read tasks and comments.",
    TASKS_WRITE="Change tasks and comments.",
    DOCUMENTS_READ="Read documents.",
    DOCUMENTS_WRITE="Change documents.",
    NOTIFICATIONS_READ="Read notifications.",
    NOTIFICATIONS_WRITE="Mark notifications as read.",
    SEARCH="Search.",
    WEBHOOKS_MANAGE="Manage webhooks.",
    AUDIT_READ="Read the audit log.",
    ADMIN="Everything else.",
)


@input_type("Input of `apiTokenCreate`.")
class ApiTokenCreateInput:
    """Input of `apiTokenCreate`."""

    name: str = required("What the token is for.")
    scopes: list[Scope] = required("What the token may do; at most what the viewer's own token may.")
    expires_at: datetime | None = optional("Time at which it ends by itself; never without one.")
    client_mutation_id: str | None = client_mutation_id()
