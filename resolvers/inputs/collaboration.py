"""Defines the inputs of live editing."""

import strawberry

from resolvers.inputs.fields import client_mutation_id, input_type, optional, required
from resolvers.scalars import Base64


@input_type("Input of `documentApplyUpdate`.")
class DocumentApplyUpdateInput:
    """Input of `documentApplyUpdate`."""

    id: strawberry.ID = required("Document to edit.", of="Document")
    updates: list[Base64] = required("Yjs updates, encoding V1, in the order in which they were made; at most 1 MiB together.")
    session_id: strawberry.ID = required("Id that the client chose for the session, as in `documentCollaboration`.")
    client_mutation_id: str | None = client_mutation_id()


@input_type("Input of `documentSetPresence`. A session that does not repeat it within 30 seconds is considered gone.")
class DocumentSetPresenceInput:
    """Input of `documentSetPresence`."""

    id: strawberry.ID = required("Document to edit.", of="Document")
    session_id: strawberry.ID = required("Id that the client chose for the session, as in `documentCollaboration`.")
    cursor: int | None = optional("Position of the cursor, in the client's own unit.")
    selection_end: int | None = optional("End of the selection, in the client's own unit.")
    is_typing: bool | None = optional("Whether the user is typing.")
    client_mutation_id: str | None = client_mutation_id()
