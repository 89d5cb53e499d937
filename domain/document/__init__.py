"""Documents: what a team writes together. Rules only; what one holds is `content`'s, where it is kept
`persistence.documents`'."""

from domain.document.create import create
from domain.document.delete import delete, restore
from domain.document.entity import Document, DocumentVersion
from domain.document.events import (
    DocumentCreated,
    DocumentDeleted,
    DocumentEvent,
    DocumentFilesChanged,
    DocumentMoved,
    DocumentMovedAway,
    DocumentRankCompacted,
    DocumentRestored,
    DocumentUpdated,
    DocumentVersionSaved,
)
from domain.document.kind import ContentFormat, DocumentType
from domain.document.move import move
from domain.document.store import DocumentStore, open_document
from domain.document.version import Snapshot, save_version

__all__ = [
    "ContentFormat",
    "Document",
    "DocumentCreated",
    "DocumentDeleted",
    "DocumentEvent",
    "DocumentFilesChanged",
    "DocumentMoved",
    "DocumentMovedAway",
    "DocumentRankCompacted",
    "DocumentRestored",
    "DocumentStore",
    "DocumentType",
    "DocumentUpdated",
    "DocumentVersion",
    "DocumentVersionSaved",
    "Snapshot",
    "create",
    "delete",
    "move",
    "open_document",
    "restore",
    "save_version",
]
