"""Defines the mutations of second factors, which `schema.root` includes in Mutation."""

import strawberry

import resolvers.factor
from domain.actor import Scope
from resolvers.inputs import factor as inputs
from resolvers.inputs import team as shared
from schema.payload import mutation
from schema.types.user import DeletePayload, FactorPayload

_RECENT = "Needs a sign-in of the last ten minutes."


@strawberry.type
class AccountMutations:
    """Mutations of second factors. Each field runs in its own transaction."""

    factor_start: FactorPayload | None = mutation(
        resolvers.factor.start,
        inputs.FactorStartInput,
        f"Begins a second factor, which counts once it is confirmed; or renews the recovery codes. {_RECENT}",
        guard=Scope.PROFILE_WRITE,
        holds_secrets=True,
    )
    factor_confirm: FactorPayload | None = mutation(
        resolvers.factor.confirm,
        inputs.FactorConfirmInput,
        f"Makes a second factor count, with a code of it, and ends all other sessions. {_RECENT}",
        guard=Scope.PROFILE_WRITE,
        prepare=resolvers.factor.find_step,
        holds_secrets=True,
    )
    factor_remove: DeletePayload | None = mutation(
        resolvers.factor.remove,
        shared.DeleteInput,
        f"Removes a second factor; the recovery codes go with the last one. {_RECENT}",
        guard=Scope.PROFILE_WRITE,
        delete=["Factor"],
    )
