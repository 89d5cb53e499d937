"""What can happen to a document. Single edits are in the document's own stream, not here."""

from dataclasses import dataclass
from functools import partial
from uuid import UUID

from domain.attachment import Attachment, AttachmentTarget, file_changes
from domain.document.entity import Document, DocumentVersion
from domain.events import ChangeKind, Event, FieldChange, difference, team_stream


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentEvent(Event):
    """Something about a document, visible to those who may see its project."""

    document: Document

    @property
    def stream(self) -> str:
        return team_stream(self.document.team_id)

    @property
    def entity(self) -> Document:
        return self.document

    @property
    def project_id(self) -> UUID | None:
        return self.document.project_id


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentCreated(DocumentEvent):
    """A document was begun."""

    kind = ChangeKind.CREATED


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentUpdated(DocumentEvent):
    """A document's title changed."""

    kind = ChangeKind.UPDATED
    before: Document

    @property
    def changes(self) -> tuple[FieldChange, ...]:
        return difference(self.before, self.document)


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentVersionSaved(DocumentEvent):
    """A version of a document was saved, by somebody or because it had been quiet."""

    kind = ChangeKind.UPDATED
    before: Document
    saved: DocumentVersion

    @property
    def changes(self) -> tuple[FieldChange, ...]:
        return difference(self.before, self.document)


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentMoved(DocumentEvent):
    """A document changed its project, parent or place."""

    kind = ChangeKind.MOVED
    before: Document

    @property
    def changes(self) -> tuple[FieldChange, ...]:
        return difference(self.before, self.document)


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentRankCompacted(DocumentEvent):
    """The rank of a document became shorter; its place in its list is the same, and so is its version.

    It stands in the history of no document: nobody did anything.
    """

    kind = ChangeKind.UPDATED

    @property
    def about(self) -> tuple[str, UUID] | None:
        return "Project", self.document.project_id

    @property
    def changes(self) -> tuple[FieldChange, ...]:
        return (FieldChange(field="rank", after=self.document.rank),)


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentMovedAway(DocumentEvent):
    """The document left a project: for those who see only that one; `document` is as it was."""

    kind = ChangeKind.ACCESS_LOST


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentDeleted(DocumentEvent):
    """A document was deleted; it can be restored."""

    kind = ChangeKind.DELETED


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentRestored(DocumentEvent):
    """A deleted document came back."""

    kind = ChangeKind.RESTORED


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentFilesChanged(DocumentEvent):
    """Files were attached to a document, or removed."""

    kind = ChangeKind.ATTACHED
    added: tuple[Attachment, ...] = ()
    removed: tuple[Attachment, ...] = ()

    @property
    def changes(self) -> tuple[FieldChange, ...]:
        return file_changes(self.added, self.removed)


def document_attachment_target(document: Document) -> AttachmentTarget:
    """A document that files are put on."""
    return AttachmentTarget(document, (document.type_name, document.id), partial(DocumentFilesChanged, document=document))
