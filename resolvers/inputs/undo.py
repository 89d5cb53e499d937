"""Defines the input of undoing."""

import strawberry

from domain.undo import UndoScope
from resolvers.enums import graphql_enum
from resolvers.inputs.fields import client_mutation_id, input_type, optional, required

graphql_enum(
    UndoScope,
    "How much is undone.",
    MUTATION="All that the mutation did that caused the change: of a bulk call, each row that can still be undone.",
    OBJECT="Only what that mutation did to the object of the change.",
)


@input_type("Input of `undo`.")
class UndoInput:
    """Input of `undo`."""

    change_id: strawberry.ID = required("The change: of `changes`, of a subscription, or of a history.", of="Change|Activity")
    scope: UndoScope = optional("How much is undone.", default=UndoScope.MUTATION)
    client_mutation_id: str | None = client_mutation_id()
