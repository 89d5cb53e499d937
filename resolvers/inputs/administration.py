"""Defines the inputs of mutations of administrators of the server."""

import strawberry

from resolvers.inputs.fields import client_mutation_id, input_type, optional, required


@input_type("Input of `userSuspend` and `userReactivate`.")
class UserSuspendInput:
    """Input of `userSuspend` and `userReactivate`."""

    id: strawberry.ID = required("Whose account.", of="User")
    reason: str | None = optional("Why somebody is suspended, for other administrators; 500 characters at most.")
    client_mutation_id: str | None = client_mutation_id()
