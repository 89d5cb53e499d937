"""Declares the mutations of what programs authenticate with: API tokens and OAuth clients."""

import strawberry

import resolvers.api_token
import resolvers.oauth_client
from domain.actor import Scope
from resolvers.inputs import access as inputs
from resolvers.inputs import team as team_inputs
from schema.payload import mutation
from schema.share_link_fields import ShareLinkMutations
from schema.types.api_token import ApiTokenPayload
from schema.types.oauth_client import OAuthClientPayload
from schema.types.user import DeletePayload


@strawberry.type
class AccessMutations(ShareLinkMutations):
    """Part of the root of mutations."""

    api_token_create: ApiTokenPayload | None = mutation(
        resolvers.api_token.create,
        inputs.ApiTokenCreateInput,
        "Creates a personal access token with some of the viewer's scopes.",
        guard=Scope.ADMIN,
    )
    api_token_revoke: DeletePayload | None = mutation(
        resolvers.api_token.revoke,
        team_inputs.DeleteInput,
        "Revokes a personal access token; connections opened with it are closed.",
        guard=Scope.ADMIN,
        delete=["ApiToken"],
    )

    oauth_client_create: OAuthClientPayload | None = mutation(
        resolvers.oauth_client.create,
        inputs.OAuthClientCreateInput,
        "Creates an OAuth client of a team, with its bot.",
        guard=Scope.ADMIN,
    )
    oauth_client_rotate_secret: OAuthClientPayload | None = mutation(
        resolvers.oauth_client.rotate_secret,
        team_inputs.DeleteInput,
        "Replaces the secret of an OAuth client; the one before it works for 24 hours more.",
        guard=Scope.ADMIN,
        delete=["OAuthClient"],
    )
    oauth_client_delete: DeletePayload | None = mutation(
        resolvers.oauth_client.delete,
        team_inputs.DeleteInput,
        "Deletes an OAuth client; its tokens end, and its bot leaves the team.",
        guard=Scope.ADMIN,
        delete=["OAuthClient"],
    )
