"""Defines the inputs of mutations of share links."""

from datetime import datetime

import strawberry

from resolvers.inputs.fields import client_mutation_id, input_type, optional, required


@input_type("Input of `shareLinkCreate`.")
class ShareLinkCreateInput:
    """Input of `shareLinkCreate`."""

    subject_id: strawberry.ID = required("What to share: a document, or a project as a board.", of="Document|Project")
    expires_at: datetime | None = optional("Time at which it ends by itself; never without one.")
    client_mutation_id: str | None = client_mutation_id()
