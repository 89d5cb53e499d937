"""Document, its versions, and their payload."""

from datetime import datetime
from typing import Annotated

import strawberry

import resolvers.collaboration
import resolvers.document
import resolvers.document_content
import resolvers.document_diff
import resolvers.project
import resolvers.user
from content.diff import DiffOp
from domain.actor import Scope
from domain.document import ContentFormat, DocumentType
from resolvers.enums import graphql_enum
from resolvers.scalars import URL, Base64
from schema.connection import Connection
from schema.fields import leaf, relation, view
from schema.node import Discussable, Node
from schema.payload import MutationPayload
from schema.types.project import Project
from schema.types.user import User


@view("What a document says.")
class DocumentContent:
    """View over `persistence.documents.contents.DocumentContent`."""

    format: ContentFormat = leaf("The form that was asked for.")
    text: str | None = leaf("What it says, in all forms but CRDT.")
    crdt: Base64 | None = leaf("The Yjs state, in the form CRDT.")
    position: int = leaf("Position of this content in the document's stream; base for `documentEdit`.")


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
    content: DocumentContent = relation(
        resolvers.document_content.version_contents,
        "What it says.",
        weight=5,
        needs=["document_id", "position", "crdt", "markdown", "text"],
    )
    download_url: URL | None = relation(
        resolvers.document_content.download_urls,
        "Signed address of the stored object, for five minutes; null in forms that are not stored.",
        needs=["document_id", "number", "crdt", "markdown", "text"],
    )


graphql_enum(DiffOp, "What became of a stretch of text.", EQUAL="It stayed.", INSERT="It came.", DELETE="It went.")


@view("A stretch of text in a difference.")
class DiffHunk:
    """View over `resolvers.document_diff.DiffHunk`."""

    op: DiffOp = leaf("What became of it.")
    text: str = leaf("The text, as Markdown.")
    author: User | None = relation(resolvers.user.authors, "Who wrote it, where it came.", needs=["author_id"])


@view("What changed in a document between two points. EQUAL and DELETE together are the old text, EQUAL and INSERT the new.")
class DocumentDiff:
    """View over `resolvers.document_diff.DocumentDiff`."""

    from_: DocumentVersion | None = leaf("The older point, where it is just this version.", "from_version", name="from")
    to: DocumentVersion | None = leaf("The newer point, where it is just this version.", "to_version")
    added: int = leaf("How many characters (Unicode code points) were added.")
    removed: int = leaf("How many characters (Unicode code points) were removed.")
    hunks: list[DiffHunk] = leaf("The texts, in order.")


@view("Who wrote a stretch of a document's plain text.")
class Attribution:
    """View over `persistence.documents.diffing.Written`."""

    start: int = leaf("Offset of its first character in the form TEXT, from 0, in UTF-16 code units.")
    end: int = leaf("Offset behind its last character, in UTF-16 code units, as strings of JavaScript count.")
    author: User | None = relation(resolvers.user.authors, "Who wrote it; null where that is not known.", needs=["author_id"])
    edited_at: datetime = leaf("When, at the latest.")


@view("One session in a document.")
class Presence:
    """View over `realtime.collaboration.presence.Presence`."""

    session_id: strawberry.ID = leaf("The client's own name for it.")
    user: User = relation(resolvers.user.session_users, "Whose it is.", needs=["user_id"])
    cursor: int | None = leaf("Where the cursor is, in the client's own count.")
    selection_end: int | None = leaf("Where the selection ends.")
    is_typing: bool = leaf("Whether somebody types.")
    last_seen_at: datetime = leaf("When it was last heard of.")


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
    content: DocumentContent = relation(
        resolvers.document_content.contents, "Current content including unsaved live edits.", weight=5, needs=["id", "type"]
    )
    preview: str | None = leaf("The first words of its newest version.")
    latest_version: DocumentVersion | None = relation(
        resolvers.document.latest_versions, "The version saved last; null while there is none.", needs=["latest_version_id"]
    )
    versions: Connection[DocumentVersion] = relation(resolvers.document.versions, "Its versions, the newest first.", needs=["id"])
    diff: DocumentDiff = relation(
        resolvers.document_diff.diffs,
        "Difference between two points; omitted ends mean the viewer's last visit and now.",
        weight=10,
        needs=["id", "type"],
    )
    attribution: list[Attribution] = relation(
        resolvers.document_diff.attributions,
        "Who wrote what stands in it; a spreadsheet has none.",
        weight=10,
        needs=["id", "type", "created_at"],
    )
    presence: list[Presence] = relation(resolvers.collaboration.presences, "Who is in it now.", needs=["id"])
    backlinks: Connection[Discussable] = relation(
        resolvers.document.backlinks,
        "Tasks and documents that link to it, in themselves or in comments on them, the newest first.",
        needs=["id"],
    )
    deleted_at: datetime | None = leaf("When it was put away; `documentRestore` brings it back.")


@view("The outcome of a change to a document.")
class DocumentPayload(MutationPayload):
    """Payload."""

    document: Document | None = leaf("The document as it is now.")
    version: DocumentVersion | None = leaf("The version that was saved, where one was.")
