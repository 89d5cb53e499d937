"""Stores documents, and is the one way to open one for writing."""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from domain.actor import Actor
from domain.document.entity import Document, DocumentVersion
from domain.errors import NotFound, Path
from domain.permissions import Access, Action, ResourceKind, Role, access
from domain.ports import UnitOfWork
from domain.rank_compaction import Stretch


class DocumentStore(Protocol):
    """Stores documents and their versions; what an operation saves is in object storage before it is in the index."""

    async def add(self, document: Document) -> bool:
        """Store a new document; False when the id is in use."""
        ...

    async def save(self, document: Document) -> None: ...
    async def add_version(self, version: DocumentVersion, text: str) -> None:
        """Store a new version; its contents are stored already, `text` is what it says in plain words, to be searched."""
        ...

    async def lock(self, document_id: UUID, user_id: UUID) -> tuple[Document, Role, bool] | None:
        """A document that the user may see, held until the end of the operation, with their role and whether its project is
        archived."""
        ...

    async def lock_for_server(self, document_id: UUID) -> Document | None:
        """A document, held until the end of an operation that the server itself does."""
        ...

    async def lock_many(self, document_ids: Sequence[UUID]) -> None:
        """Hold documents in the order of their ids, so that two calls cannot wait for each other."""
        ...

    async def version(self, document_id: UUID, version_id: UUID) -> DocumentVersion | None:
        """A version, None unless it is of the document."""
        ...

    async def last_rank(self, project_id: UUID) -> str | None: ...
    async def rank_of(self, project_id: UUID, document_id: UUID) -> str | None:
        """The rank of a document, None unless it lies in the project."""
        ...

    async def is_open_in(self, project_id: UUID, document_id: UUID) -> bool:
        """Whether the document lies in the project and is not deleted."""
        ...

    async def rank_after(self, project_id: UUID, rank: str) -> str | None:
        """The lowest rank above."""
        ...

    async def has_rank(self, project_id: UUID, rank: str) -> bool:
        """Whether a document of the project has this rank."""
        ...

    async def was_compacted(self, document_id: UUID, former_rank: str, rank: str) -> bool:
        """Whether the rank is what compaction made of a former rank of the document."""
        ...

    async def long_stretch(self, project_id: UUID) -> Stretch | None:
        """The first stretch of the project's list with a rank that is too long; None when there is none."""
        ...

    async def lock_in(self, project_id: UUID, document_ids: Sequence[UUID]) -> Sequence[Document]:
        """Those of the documents that lie in the project, locked. Raises Unavailable at once where one is locked already."""
        ...

    async def save_ranks(self, documents: Sequence[Document]) -> None:
        """Save other ranks of the same places, at once; cursors that were made with the ranks before still find these."""
        ...

    async def ancestors(self, document_id: UUID) -> Sequence[UUID]:
        """A document's parents from the nearest up, without itself."""
        ...

    async def lock_descendants(self, document_id: UUID) -> Sequence[Document]:
        """All below a document, parents before their children, held; deleted ones too."""
        ...

    async def append(self, document_id: UUID, update: bytes, author_id: UUID) -> int:
        """Put an edit at the end of the document's log; its position."""
        ...


async def open_document(
    uow: UnitOfWork, actor: Actor, document_id: UUID, action: Action, path: Path = ("input", "id")
) -> tuple[Document, Access]:
    """Fetch, lock and authorise: the document, when the actor may do this to it."""
    found = await uow.documents.lock(document_id, actor.user_id)
    if found is None:
        raise NotFound(path)
    document, role, archived = found
    rights = access(actor, role, ResourceKind.DOCUMENT, archived=archived)
    rights.require(action, "The project is archived." if archived else "Your role does not allow this.")
    return document, rights
