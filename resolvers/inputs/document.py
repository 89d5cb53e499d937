"""Defines the inputs of mutations of documents, their filter and order."""

from enum import Enum
from uuid import UUID

import strawberry

from domain.document import ContentFormat, DocumentType
from resolvers.enums import graphql_enum
from resolvers.inputs.fields import client_mutation_id, input_type, optional, required
from resolvers.inputs.filter import DateTimeFilter, IDFilter, OrderDirection, StringFilter
from resolvers.scalars import Markdown

graphql_enum(
    DocumentType,
    "Kind of a document's content.",
    TEXT="Rich text.",
    SPREADSHEET="Rows and columns.",
    PRESENTATION="Slides.",
)
graphql_enum(
    ContentFormat,
    "Format of a document's content.",
    MARKDOWN="Markdown; of a spreadsheet a table, of a presentation slides between rules.",
    HTML="HTML without scripts.",
    TEXT="Plain text; of a spreadsheet its cells, separated by tabs.",
    JSON="JSON; of a text the tree that ProseMirror editors use.",
    CRDT="The Yjs state itself, encoding V1.",
)


@input_type("Input of `documentCreate`.")
class DocumentCreateInput:
    """Input of `documentCreate`."""

    id: UUID | None = optional("Id chosen by the client, for offline creation.")
    project_id: strawberry.ID = required("Project of the document.", of="Project")
    parent_id: strawberry.ID | None = optional("Parent document, in the same project.", of="Document")
    title: str = required("Title.")
    type: DocumentType | None = optional("Kind of content.", default=DocumentType.TEXT)
    content: Markdown | None = optional("Initial content; for a spreadsheet, a table.")
    upload_id: strawberry.ID | None = optional(
        "Initial content as an uploaded file of the viewer: Markdown, or CSV for a spreadsheet, in UTF-8.", of="Attachment"
    )
    client_mutation_id: str | None = client_mutation_id()


@input_type("Input of `documentUpdate`. Omitted fields remain unchanged.")
class DocumentUpdateInput:
    """Input of `documentUpdate`."""

    id: strawberry.ID = required("Id of the document.", of="Document")
    title: str | None = optional("Title.")
    expected_version: int | None = optional(
        "Version that the client has read; if the object has another one, the mutation fails with CONFLICT."
    )
    client_mutation_id: str | None = client_mutation_id()


@input_type("Input of `documentMove`.")
class DocumentMoveInput:
    """Input of `documentMove`."""

    id: strawberry.ID = required("Id of the document.", of="Document")
    project_id: strawberry.ID | None = optional("Project to move it to, with the documents below it.", of="Project")
    parent_id: strawberry.ID | None = optional("New parent document; null moves it to the top level.", of="Document")
    after_id: strawberry.ID | None = optional("Document to place it after; null places it first.", of="Document")
    client_mutation_id: str | None = client_mutation_id()


@input_type("Input of `documentSaveVersion`.")
class DocumentSaveVersionInput:
    """Input of `documentSaveVersion`."""

    id: strawberry.ID = required("Id of the document.", of="Document")
    name: str | None = optional("Name of the version.")
    change_summary: str | None = optional("Summary of the changes.")
    client_mutation_id: str | None = client_mutation_id()


@input_type("Input of `documentRestoreVersion`.")
class DocumentRestoreVersionInput:
    """Input of `documentRestoreVersion`."""

    id: strawberry.ID = required("Id of the document.", of="Document")
    version_id: strawberry.ID = required("Version to restore.", of="DocumentVersion")
    client_mutation_id: str | None = client_mutation_id()


@input_type(
    "Input of `documentEdit`: one of `replaceAll`, `append`, and `find` with `replaceWith`. Concurrent edits are preserved, "
    "deletions included."
)
class DocumentEditInput:
    """Input of `documentEdit`."""

    id: strawberry.ID = required("Id of the document.", of="Document")
    base: int = required("Position at which the client has read the text; the edit is the difference from that text.")
    replace_all: Markdown | None = optional("New text of the whole document.")
    append: Markdown | None = optional("Text to add at the end.")
    find: str | None = optional("Text to replace, wherever it is now.")
    replace_with: Markdown | None = optional("Replacement of the found text.")
    client_mutation_id: str | None = client_mutation_id()


@input_type("Filters documents. All given fields must match.")
class DocumentFilter:
    """Filter of documents."""

    title: StringFilter | None = optional("By title.")
    type: DocumentType | None = optional("By type.")
    owner: IDFilter | None = optional("By owner.")
    parent: IDFilter | None = optional("By parent; `isNull: true` matches documents at the top level.")
    updated_at: DateTimeFilter | None = optional("By last change.")
    include_deleted: bool | None = optional("Whether to include deleted documents.")


@strawberry.enum(description="Field that documents are sorted by.")
class DocumentOrderField(Enum):
    """Sortable columns."""

    RANK = strawberry.enum_value("RANK", description="Rank in the project.")
    TITLE = strawberry.enum_value("TITLE", description="Title, by code point.")
    CREATED_AT = strawberry.enum_value("CREATED_AT", description="Creation.")
    UPDATED_AT = strawberry.enum_value("UPDATED_AT", description="Last change.")


@input_type("A field to sort documents by.")
class DocumentOrder:
    """Order of documents."""

    field: DocumentOrderField = required("Field to sort by.")
    direction: OrderDirection = optional("Direction of sorting.", default=OrderDirection.ASC)


FILTER_ID_TYPES = {"owner": "User", "parent": "Document"}
