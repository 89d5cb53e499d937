"""What a document is, and what a version of it is."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from domain.collation import collation_key
from domain.document.kind import DocumentType


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """
    Something that a team writes together. `rank` sorts it in its project; `parent_id` is the document that it lies under.

    What it says is not here but in the log of its edits, from `latest_position` on, and in its versions up to there. The
    `latest_…` attributes and `preview` are those of the newest version; there is none while `latest_number` is 0.
    """

    type_name: ClassVar[str] = "Document"
    stored_properties: ClassVar[tuple[str, ...]] = ("title_collation",)

    id: UUID
    version: int = 1
    created_at: datetime
    updated_at: datetime
    team_id: UUID
    project_id: UUID
    parent_id: UUID | None = None
    owner_id: UUID
    title: str
    type: DocumentType = DocumentType.TEXT
    rank: str
    preview: str | None = None
    latest_version_id: UUID | None = None
    latest_number: int = 0
    latest_position: int = 0
    deleted_at: datetime | None = None

    @property
    def title_collation(self) -> str:
        """What the title sorts and is searched by."""
        return collation_key(self.title)


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentVersion:
    """
    A document as it was at a position of its log; never changed once saved.

    `crdt`, `markdown` and `text` are the SHA-256 (hex) of the stored contents, `byte_size` is theirs together. `created_by_id` is
    None for a version that the server saved when the document had been quiet.
    """

    type_name: ClassVar[str] = "DocumentVersion"

    id: UUID
    document_id: UUID
    number: int
    name: str | None = None
    change_summary: str | None = None
    created_by_id: UUID | None = None
    contributor_ids: tuple[UUID, ...] = ()
    created_at: datetime
    position: int
    byte_size: int
    crdt: str
    markdown: str
    text: str
