"""Defines OAuthClient and its payload."""

from domain.actor import Scope
from domain.oauth_client import OAuthGrant
from resolvers.scalars import URL
from schema.fields import leaf, view
from schema.node import Entity
from schema.payload import MutationPayload


@view("An app of a team, which signs in people who consent, or acts for itself as its bot.", name="OAuthClient")
class OAuthClient(Entity):
    """View over `domain.oauth_client.OAuthClient`."""

    client_id: str = leaf("The `client_id` of OAuth.", lambda client: str(client.id), needs=["id"])
    name: str = leaf("Name that people are shown.")
    is_public: bool = leaf("Whether it has no secret: apps in browsers, on phones and desktops.")
    redirect_uris: list[URL] = leaf("Where people return to after signing in.")
    grants: list[OAuthGrant] = leaf("How it gets tokens.", lambda client: [OAuthGrant(each) for each in client.grants])
    scopes: list[Scope] = leaf("What it may ask for.", lambda client: [Scope(each) for each in client.scopes])


@view("Result of a mutation of an OAuth client.", name="OAuthClientPayload")
class OAuthClientPayload(MutationPayload):
    """Payload."""

    oauth_client: OAuthClient | None = leaf("The client as it is now.")
    secret: str | None = leaf("The new secret of a confidential client; shown once.")
