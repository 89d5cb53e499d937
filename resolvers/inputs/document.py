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

    id: UUID | None = optional("An id of the client's own, for offline creation.")
    project_id: strawberry.ID = required("The project.", of="Project")
    parent_id: strawberry.ID | None = optional("The document that it lies under, in the same project.", of="Document")
    title: str = required("What it is called.")
    type: DocumentType | None = optional("What its content is made of.", default=DocumentType.TEXT)
    content: Markdown | None = optional("What it says to begin with; of a spreadsheet a table.")
    upload_id: strawberry.ID | None = optional(
        "The same in a file that the viewer has uploaded: Markdown, or CSV for a spreadsheet, in UTF-8.", of="Attachment"
    )
    client_mutation_id: str | None = client_mutation_id()


@input_type("Input of `documentUpdate`. Omitted fields remain unchanged.")
class DocumentUpdateInput:
    """Input of `documentUpdate`."""

    id: strawberry.ID = required("The document.", of="Document")
    title: str | None = optional("What it is called.")
    expected_version: int | None = optional("The version that was read; another one is a conflict.")
    client_mutation_id: str | None = client_mutation_id()


@input_type("Input of `documentMove`.")
class DocumentMoveInput:
    """Input of `documentMove`."""

    id: strawberry.ID = required("The document.", of="Document")
    project_id: strawberry.ID | None = optional("Into this project, with all that lies below.", of="Project")
    parent_id: strawberry.ID | None = optional("Under this document; null: to the top.", of="Document")
    after_id: strawberry.ID | None = optional("Right after this document; null: to the front.", of="Document")
    client_mutation_id: str | None = client_mutation_id()


@input_type("Input of `documentSaveVersion`.")
class DocumentSaveVersionInput:
    """Input of `documentSaveVersion`."""

    id: strawberry.ID = required("The document.", of="Document")
    name: str | None = optional("What to call it.")
    change_summary: str | None = optional("What is new in it.")
    client_mutation_id: str | None = client_mutation_id()


@input_type("Input of `documentRestoreVersion`.")
class DocumentRestoreVersionInput:
    """Input of `documentRestoreVersion`."""

    id: strawberry.ID = required("The document.", of="Document")
    version_id: strawberry.ID = required("A version of it.", of="DocumentVersion")
    client_mutation_id: str | None = client_mutation_id()


@input_type(
    "Input of `documentEdit`: one of `replaceAll`, `append`, and `find` with `replaceWith`. Concurrent edits are preserved, "
    "deletions included."
)
class DocumentEditInput:
    """Input of `documentEdit`."""

    id: strawberry.ID = required("The document.", of="Document")
    base: int = required("The position that the text was read at; what differs from the text of then is what changes.")
    replace_all: Markdown | None = optional("The whole text as it is to be.")
    append: Markdown | None = optional("Text to add at the end.")
    find: str | None = optional("Text to replace, wherever it stands now.")
    replace_with: Markdown | None = optional("What to replace it with.")
    client_mutation_id: str | None = client_mutation_id()


@input_type("Filters documents. All given fields must match.")
class DocumentFilter:
    """Filter of documents."""

    title: StringFilter | None = optional("By title.")
    type: DocumentType | None = optional("By type.")
    owner: IDFilter | None = optional("By owner.")
    parent: IDFilter | None = optional("By parent; `isNull: true` gives the documents at the top.")
    updated_at: DateTimeFilter | None = optional("By last change.")
    include_deleted: bool | None = optional("Deleted documents too.")


@strawberry.enum(description="Field that documents are sorted by.")
class DocumentOrderField(Enum):
    """Sortable columns."""

    RANK = strawberry.enum_value("RANK", description="Place in the project.")
    TITLE = strawberry.enum_value("TITLE", description="Title, by code point.")
    CREATED_AT = strawberry.enum_value("CREATED_AT", description="Creation.")
    UPDATED_AT = strawberry.enum_value("UPDATED_AT", description="Last change.")


@input_type("A field to sort documents by.")
class DocumentOrder:
    """Order of documents."""

    field: DocumentOrderField = required("What to sort by.")
    direction: OrderDirection = optional("Which way.", default=OrderDirection.ASC)


FILTER_ID_TYPES = {"owner": "User", "parent": "Document"}
