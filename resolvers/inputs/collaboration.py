"""Defines the inputs of live editing."""

import strawberry

from resolvers.inputs.fields import client_mutation_id, input_type, optional, required
from resolvers.scalars import Base64


@input_type("Input of `documentApplyUpdate`.")
class DocumentApplyUpdateInput:
    """Input of `documentApplyUpdate`."""

    id: strawberry.ID = required("The document.", of="Document")
    updates: list[Base64] = required("Yjs updates, encoding V1, in the order they were made; together at most 1 MiB.")
    session_id: strawberry.ID = required("The client's own name for this session, as in `documentCollaboration`.")
    client_mutation_id: str | None = client_mutation_id()


@input_type("Input of `documentSetPresence`. A session that does not repeat it within 30 seconds is considered gone.")
class DocumentSetPresenceInput:
    """Input of `documentSetPresence`."""

    id: strawberry.ID = required("The document.", of="Document")
    session_id: strawberry.ID = required("The client's own name for this session, as in `documentCollaboration`.")
    cursor: int | None = optional("Where the cursor is, in the client's own count.")
    selection_end: int | None = optional("Where the selection ends.")
    is_typing: bool | None = optional("Whether somebody types.")
    client_mutation_id: str | None = client_mutation_id()
