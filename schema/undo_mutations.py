"""Declares the mutation that undoes changes."""

import strawberry

import resolvers.undo
from domain.actor import Scope
from resolvers.inputs.undo import UndoInput
from schema.fields import leaf, view
from schema.payload import MutationPayload, mutation
from schema.types.change import Change


@view("Result of undoing.")
class UndoPayload(MutationPayload):
    """Payload."""

    change: Change | None = leaf(
        "The change that the undoing is, which can be undone too; null when nothing was undone. Where parts could not be undone, "
        "`errors` name the id of each one's change at the end of `path`."
    )


@strawberry.type
class UndoMutations:
    """Part of the root of mutations."""

    undo: UndoPayload | None = mutation(
        resolvers.undo.run,
        UndoInput,
        "Undoes a change by writing its inverse, with the rights of now, if what it changed has not changed again. The token "
        "needs the scope of what is written.",
        guard=Scope.TASKS_READ,
        writes_documents=True,
    )
