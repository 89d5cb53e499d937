"""Live editing of one document: its events, who is there, and the payload of edits."""

from typing import Annotated

import strawberry

import resolvers.collaboration
import resolvers.user
from domain.permissions import Action
from resolvers.scalars import Base64
from schema.fields import leaf, relation, view
from schema.payload import MutationPayload
from schema.types.document import DocumentVersion, Presence
from schema.types.user import User


@view(
    "First event: what the client is missing, and what the server has, so that the client can send what the server is missing.",
    is_union_member=True,
)
class DocumentSynced:
    """View over `realtime.collaboration.graph_subscriber.Synced`."""

    position: int = leaf("As of which position of the document's log; later edits follow.")
    update: Base64 = leaf("Yjs update, encoding V1.")
    state_vector: Base64 = leaf("Yjs state vector of the server.")
    presence: list[Presence] = leaf("Who is there.")


@view("Somebody edited the document.", is_union_member=True)
class DocumentEdited:
    """View over `realtime.collaboration.graph_subscriber.Edited`."""

    position: int = leaf("Up to which position of the document's log; where to go on after this event.")
    update: Base64 = leaf("Yjs update, encoding V1; several edits may be merged into one.")
    session_id: strawberry.ID | None = leaf("The session that it came from, where that has a name.")
    author: User | None = relation(resolvers.user.authors, "Who wrote it.", needs=["author_id"])


@view("Somebody came, moved or left.", is_union_member=True)
class DocumentPresenceChanged:
    """View over `realtime.collaboration.graph_subscriber.PresenceChanged`."""

    presence: list[Presence] = leaf("Everybody who is there now.")


@view("A version was saved.", is_union_member=True)
class DocumentVersionSaved:
    """View over `realtime.collaboration.graph_subscriber.VersionSaved`."""

    version: DocumentVersion = relation(resolvers.collaboration.saved_versions, "The version.", needs=["version_id"])


@view("What the viewer may do has changed. The stream ends after this event when READ is gone.", is_union_member=True)
class DocumentAccessChanged:
    """View over `realtime.collaboration.graph_subscriber.AccessChanged`."""

    viewer_can: list[Action] = relation(resolvers.collaboration.viewer_can, "What he may do now.", needs=["document_id"])


DocumentEvent = Annotated[
    DocumentSynced | DocumentEdited | DocumentPresenceChanged | DocumentVersionSaved | DocumentAccessChanged,
    strawberry.union("DocumentEvent", description="What happens to a document while people edit it."),
]


@view("The outcome of edits sent from a live session.")
class DocumentSyncPayload(MutationPayload):
    """Payload."""

    position: int | None = leaf("Position up to which the updates are durable.")
