"""Document, its versions, and their payload."""

from datetime import datetime
from typing import Annotated

import strawberry

import resolvers.document
import resolvers.project
import resolvers.user
from domain.actor import Scope
from domain.document import DocumentType
from schema.connection import Connection
from schema.fields import leaf, relation, view
from schema.node import Discussable, Node
from schema.payload import MutationPayload
from schema.types.project import Project
from schema.types.user import User


@view("A document as it was once; never changed.")
class DocumentVersion(Node):
    """View over `domain.document.DocumentVersion`."""

    number: int = leaf("Counts from 1 in each document.")
    name: str | None = leaf("What somebody called it.")
    change_summary: str | None = leaf("What somebody said about it.")
    created_by: User | None = relation(
        resolvers.user.savers, "Who saved it; null when the server did, after a quiet while.", needs=["created_by_id"]
    )
    contributors: list[User] = relation(
        resolvers.user.contributors, "Who wrote since the version before.", needs=["contributor_ids"]
    )
    created_at: datetime = leaf("When it was saved.")
    byte_size: int = leaf("How many bytes its stored contents have together.")


@view("What a team writes together.")
class Document(Discussable):
    """View over `domain.document.Document`."""

    project: Project = relation(resolvers.project.of_tasks, "Where it belongs.", guard=Scope.PROJECTS_READ, needs=["project_id"])
    owner: User = relation(resolvers.user.owners, "Who began it.", needs=["owner_id"])
    title: str = leaf("What it is called.")
    type: DocumentType = leaf("What its content is made of.")
    parent: Annotated["Document", strawberry.lazy("schema.types.document")] | None = relation(
        resolvers.document.parents_of, "The document that it lies under.", needs=["parent_id"]
    )
    children: Connection[Annotated["Document", strawberry.lazy("schema.types.document")]] = relation(
        resolvers.document.children, "What lies under it, by rank.", needs=["id"]
    )
    rank: str = leaf("Fractional index; compare as strings. Set only through `documentMove`.")
    preview: str | None = leaf("The first words of its newest version.")
    latest_version: DocumentVersion | None = relation(
        resolvers.document.latest_versions, "The version saved last; null while there is none.", needs=["latest_version_id"]
    )
    versions: Connection[DocumentVersion] = relation(resolvers.document.versions, "Its versions, the newest first.", needs=["id"])
    deleted_at: datetime | None = leaf("When it was put away; `documentRestore` brings it back.")


@view("The outcome of a change to a document.")
class DocumentPayload(MutationPayload):
    """Payload."""

    document: Document | None = leaf("The document as it is now.")
    version: DocumentVersion | None = leaf("The version that was saved, where one was.")
