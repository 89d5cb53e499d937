"""Defines the inputs of mutations of API tokens and OAuth clients."""

from datetime import datetime

import strawberry

from domain.actor import Scope
from domain.oauth_client import OAuthGrant
from resolvers.enums import graphql_enum
from resolvers.inputs.fields import client_mutation_id, input_type, optional, required
from resolvers.scalars import URL

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
    NOTIFICATIONS_READ="Read notifications, and how and where the viewer wants them.",
    NOTIFICATIONS_WRITE="Mark notifications as read.",
    SEARCH="Search.",
    WEBHOOKS_MANAGE="Manage webhooks.",
    AUDIT_READ="Read the audit log.",
    ADMIN="Everything else.",
)
graphql_enum(
    OAuthGrant,
    "How an OAuth client gets tokens.",
    name="OAuthGrant",
    AUTHORIZATION_CODE="A person signs in and consents; with PKCE.",
    DEVICE_CODE="A person enters a code that a program without a browser shows.",
    CLIENT_CREDENTIALS="The client acts for itself, as its bot.",
    REFRESH_TOKEN="The client stays signed in for a person.",  # noqa: S106 (a description)
)


@input_type("Input of `apiTokenCreate`.")
class ApiTokenCreateInput:
    """Input of `apiTokenCreate`."""

    name: str = required("What the token is for.")
    scopes: list[Scope] = required("What the token may do; at most what the viewer's own token may.")
    expires_at: datetime | None = optional("Time at which it ends by itself; never without one.")
    client_mutation_id: str | None = client_mutation_id()


@input_type("Input of `oauthClientCreate`.", name="OAuthClientCreateInput")
class OAuthClientCreateInput:
    """Input of `oauthClientCreate`."""

    team_id: strawberry.ID = required("The team that it belongs to.", of="Team")
    name: str = required("Name that people are shown.")
    is_public: bool = required("Whether it cannot keep a secret: apps in browsers, on phones and desktops.")
    redirect_uris: list[URL] = required("Where people return to after signing in, exactly; on 127.0.0.1 with any port.")
    grants: list[OAuthGrant] = required("How it gets tokens.")
    scopes: list[Scope] = required("What it may ask for; at most what the viewer's own token may.")
    client_mutation_id: str | None = client_mutation_id()
