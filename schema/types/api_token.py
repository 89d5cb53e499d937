"""Defines ApiToken and its payload."""

from datetime import datetime

import strawberry

import resolvers.inputs.access  # noqa: F401 (declares Scope)
from domain.actor import Scope
from resolvers import ids
from schema.fields import leaf, view
from schema.node import Node
from schema.payload import MutationPayload


@view("A personal access token: a Bearer token for scripts. The secret is shown once.")
class ApiToken(Node):
    """View over `domain.api_token.ApiToken`."""

    id: strawberry.ID = leaf("Global id.", lambda token: ids.encode("ApiToken", token.id))
    name: str = leaf("What the token is for.")
    prefix: str = leaf("First characters of its secret.")
    scopes: list[Scope] = leaf("What the token may do.", lambda token: [Scope(each) for each in token.scopes])
    created_at: datetime = leaf("Time of creation.")
    last_used_at: datetime | None = leaf("Time of the last use, to the minute; null if never.")
    expires_at: datetime | None = leaf("Time at which it ends by itself; null if never.")


@view("Result of creating an API token.")
class ApiTokenPayload(MutationPayload):
    """Payload."""

    api_token: ApiToken | None = leaf("The new token.")
    secret: str | None = leaf("The token itself, for the Authorization header; shown once.")
