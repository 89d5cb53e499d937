"""Writing in a document from outside a live session: an edit like any other, at the end of its log."""

from uuid import UUID

from domain.actor import Actor
from domain.document.entity import Document
from domain.document.store import open_document
from domain.errors import Invalid, NotFound, Unavailable
from domain.permissions import Action
from domain.ports import UnitOfWork
from domain.reference import extract_links


async def append_edit(
    uow: UnitOfWork, actor: Actor, document_id: UUID, update: bytes | None, *, markdown: str | None = None
) -> Document:
    """
    Put a Yjs update at the end of the document's log; an empty one changes nothing.

    It was made for a state that the log holds, so it applies to whatever comes before it there. None: it was not made for
    somebody who may not write. `brings`: Markdown that came with it, whose links to documents count at once; what it takes away
    goes with the next version.
    """
    document, _ = await open_document(uow, actor, document_id, Action.UPDATE)
    if document.deleted_at is not None:
        raise Invalid(("input", "id"), "This was deleted.")
    if update is None:
        raise Unavailable
    if update:
        await uow.documents.append(document.id, update, actor.user_id)
        if links := extract_links(markdown):
            await uow.references.add(document, links)
    return document


async def require_version_of(uow: UnitOfWork, document_id: UUID, version_id: UUID) -> None:
    """The version is of this document; the caller holds the document."""
    if await uow.documents.version(document_id, version_id) is None:
        raise NotFound(("input", "versionId"))
