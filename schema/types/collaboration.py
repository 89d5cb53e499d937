"""Defines the events of live editing, and the payload of live edits."""

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

    position: int = leaf("Position in the document's log that this update is complete up to; later edits follow.")
    update: Base64 = leaf("Yjs update, encoding V1.")
    state_vector: Base64 = leaf("State vector of the server's Yjs document.")
    presence: list[Presence] = leaf("Sessions that have the document open.")


@view("The document was edited.", is_union_member=True)
class DocumentEdited:
    """View over `realtime.collaboration.graph_subscriber.Edited`."""

    position: int = leaf("Position in the document's log after this edit; pass it as `after` to resume.")
    update: Base64 = leaf("Yjs update, encoding V1; several edits may be merged into one.")
    session_id: strawberry.ID | None = leaf("Session that sent the edit; null for edits from outside a session.")
    author: User | None = relation(resolvers.user.authors, "User who made the edit.", needs=["author_id"])


@view("A session joined, moved its cursor or left.", is_union_member=True)
class DocumentPresenceChanged:
    """View over `realtime.collaboration.graph_subscriber.PresenceChanged`."""

    presence: list[Presence] = leaf("All sessions that have the document open now.")


@view("A version was saved.", is_union_member=True)
class DocumentVersionSaved:
    """View over `realtime.collaboration.graph_subscriber.VersionSaved`."""

    version: DocumentVersion = relation(resolvers.collaboration.saved_versions, "The saved version.", needs=["version_id"])


@view(
    "The viewer's permissions have changed. The stream ends after this event when READ is no longer among them.",
    is_union_member=True,
)
class DocumentAccessChanged:
    """View over `realtime.collaboration.graph_subscriber.AccessChanged`."""

    viewer_can: list[Action] = relation(resolvers.collaboration.viewer_can, "What the viewer may do now.", needs=["document_id"])


DocumentEvent = Annotated[
    DocumentSynced | DocumentEdited | DocumentPresenceChanged | DocumentVersionSaved | DocumentAccessChanged,
    strawberry.union("DocumentEvent", description="An event of a document that is being edited live."),
]


@view("Result of `documentApplyUpdate`.")
class DocumentSyncPayload(MutationPayload):
    """Payload."""

    position: int | None = leaf("Position in the document's log up to which the updates are durable.")
