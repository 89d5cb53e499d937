"""Declares the mutations of what programs authenticate with: API tokens."""

import strawberry

import resolvers.api_token
from domain.actor import Scope
from resolvers.inputs import access as inputs
from resolvers.inputs import team as team_inputs
from schema.payload import mutation
from schema.types.api_token import ApiTokenPayload
from schema.types.user import DeletePayload


@strawberry.type
class AccessMutations:
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
