"""Defines Document, its content, versions, difference, attribution and presence, and its payload."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

import resolvers.collaboration
import resolvers.document
import resolvers.document_content
import resolvers.document_diff
import resolvers.project
import resolvers.share_link
import resolvers.user
from content.diff import DiffOp
from domain.actor import Scope
from domain.document import ContentFormat, DocumentType
from resolvers.enums import graphql_enum
from resolvers.long_values import text_value
from resolvers.scalars import URL, Base64
from schema.connection import Connection
from schema.fields import leaf, relation, view
from schema.node import Discussable, Node
from schema.payload import MutationPayload
from schema.types.project import Project
from schema.types.user import User

if TYPE_CHECKING:
    from schema.types.share_link import ShareLink


@view("Content of a document in one format.")
class DocumentContent:
    """View over `persistence.documents.contents.DocumentContent`."""

    format: ContentFormat = leaf("The requested format.")
    text: str | None = leaf(
        "The content in the requested format; null for CRDT.", lambda content: content.text and text_value(content.text)
    )
    crdt: Base64 | None = leaf("The Yjs document as an update, encoding V1; null for other formats.")
    position: int = leaf("Position in the document's log that this content is as of; pass it as `base` to `documentEdit`.")


@view("A saved state of a document; immutable.")
class DocumentVersion(Node):
    """View over `domain.document.DocumentVersion`."""

    number: int = leaf("Number of the version, counted from 1 in each document.")
    name: str | None = leaf("Name, if it was given one.")
    change_summary: str | None = leaf("Summary of the changes, if one was given.")
    created_by: User | None = relation(
        resolvers.user.savers,
        "User who saved it; null when the server saved it after a period without edits.",
        needs=["created_by_id"],
    )
    contributors: list[User] = relation(
        resolvers.user.contributors, "Users who edited the document since the previous version.", needs=["contributor_ids"]
    )
    created_at: datetime = leaf("Time at which it was saved.")
    byte_size: int = leaf("Size of its stored contents in bytes.")
    content: DocumentContent = relation(
        resolvers.document_content.version_contents,
        "Content of the version.",
        weight=25,
        needs=["document_id", "position", "crdt", "markdown", "text"],
    )
    download_url: URL | None = relation(
        resolvers.document_content.download_urls,
        "Signed URL of the stored content, valid for five minutes; null for formats that are not stored.",
        needs=["document_id", "number", "crdt", "markdown", "text"],
    )


graphql_enum(
    DiffOp, "What happened to a piece of text.", EQUAL="It is unchanged.", INSERT="It was inserted.", DELETE="It was deleted."
)


@view("A piece of text in a difference.")
class DiffHunk:
    """View over `resolvers.document_diff.DiffHunk`."""

    op: DiffOp = leaf("What happened to the text.")
    text: str = leaf("The text, as Markdown.")
    author: User | None = relation(resolvers.user.authors, "User who wrote it, for inserted text.", needs=["author_id"])


@view("Difference between two states of a document. EQUAL and DELETE together are the old text, EQUAL and INSERT the new.")
class DocumentDiff:
    """View over `resolvers.document_diff.DocumentDiff`."""

    from_: DocumentVersion | None = leaf("The older state, when it is exactly this version.", "from_version", name="from")
    to: DocumentVersion | None = leaf("The newer state, when it is exactly this version.", "to_version")
    added: int = leaf("Number of characters (Unicode code points) added.")
    removed: int = leaf("Number of characters (Unicode code points) removed.")
    hunks: list[DiffHunk] = leaf("Pieces of text, in order.")


@view("Author of a piece of a document's plain text.")
class Attribution:
    """View over `persistence.documents.diffing.Written`."""

    start: int = leaf("Offset of its first character in the document's TEXT, from 0, in UTF-16 code units.")
    end: int = leaf("Offset after its last character, in UTF-16 code units, as JavaScript strings count.")
    author: User | None = relation(resolvers.user.authors, "User who wrote it; null when unknown.", needs=["author_id"])
    edited_at: datetime = leaf("Latest time at which it was written.")


@view("A session that has a document open.")
class Presence:
    """View over `realtime.collaboration.presence.Presence`."""

    session_id: strawberry.ID = leaf("Id that the client chose for the session.")
    user: User = relation(resolvers.user.session_users, "User of the session.", needs=["user_id"])
    cursor: int | None = leaf("Position of the cursor, in the client's own unit.")
    selection_end: int | None = leaf("End of the selection, in the client's own unit.")
    is_typing: bool = leaf("Whether the user is typing.")
    last_seen_at: datetime = leaf("Time of the session's last sign of life.")


@view("A document that a team writes together.", is_union_member=True)
class Document(Discussable):
    """View over `domain.document.Document`."""

    project: Project = relation(
        resolvers.project.of_tasks, "Project that it belongs to.", guard=Scope.PROJECTS_READ, needs=["project_id"]
    )
    owner: User = relation(resolvers.user.owners, "User who created it.", needs=["owner_id"])
    title: str = leaf("Title.")
    type: DocumentType = leaf("Kind of content.")
    parent: Annotated["Document", strawberry.lazy("schema.types.document")] | None = relation(
        resolvers.document.parents_of, "Document that contains it; null at the top level.", needs=["parent_id"]
    )
    children: Connection[Annotated["Document", strawberry.lazy("schema.types.document")]] = relation(
        resolvers.document.children, "Documents directly below it, by rank.", needs=["id"]
    )
    rank: str = leaf("Fractional index; compare as strings. Set only through `documentMove`.")
    content: DocumentContent = relation(
        resolvers.document_content.contents,
        "Current content, live edits included that are not saved as a version yet.",
        weight=25,
        needs=["id", "type"],
    )
    share_links: Connection[Annotated["ShareLink", strawberry.lazy("schema.types.share_link")]] = relation(
        resolvers.share_link.of_subjects,
        "Links that open it read-only to whoever has the address, the newest first; none for those who may not make them.",
        guard=Scope.PROJECTS_WRITE,
        needs=["id"],
    )
    preview: str | None = leaf("Beginning of the text of its newest version.")
    latest_version: DocumentVersion | None = relation(
        resolvers.document.latest_versions, "Newest version; null while there is none.", needs=["latest_version_id"]
    )
    versions: Connection[DocumentVersion] = relation(resolvers.document.versions, "Saved versions, newest first.", needs=["id"])
    diff: DocumentDiff = relation(
        resolvers.document_diff.diffs,
        "Difference between two states; when omitted, these are the viewer's last visit and now.",
        weight=25,
        needs=["id", "type"],
    )
    attribution: list[Attribution] = relation(
        resolvers.document_diff.attributions,
        "Authors of its current text, piece by piece; empty for spreadsheets.",
        weight=25,
        needs=["id", "type", "created_at"],
    )
    presence: list[Presence] = relation(resolvers.collaboration.presences, "Sessions that have it open now.", needs=["id"])
    backlinks: Connection[Discussable] = relation(
        resolvers.document.backlinks,
        "Tasks and documents that link to it in their text or in their comments, newest first.",
        needs=["id"],
    )
    deleted_at: datetime | None = leaf("Time at which it was deleted; `documentRestore` restores it.")


@view("Result of a mutation of a document.")
class DocumentPayload(MutationPayload):
    """Payload."""

    document: Document | None = leaf("The document as it is now.")
    version: DocumentVersion | None = leaf("The saved version, for mutations that save one.")
