"""Putting a document away with all below it, and bringing both back."""

from uuid import UUID

from domain.actor import Actor
from domain.document.entity import Document
from domain.document.events import DocumentDeleted, DocumentRestored
from domain.document.place import require_subtree_limit
from domain.document.store import open_document
from domain.errors import Invalid
from domain.permissions import Action
from domain.ports import UnitOfWork
from domain.version import require_version, with_changes


async def delete(uow: UnitOfWork, actor: Actor, document_id: UUID, *, expected_version: int | None) -> UUID:
    """Put a document away; those below go with it. Deleting a deleted document changes nothing."""
    before, _ = await open_document(uow, actor, document_id, Action.DELETE)
    require_version(before, expected_version)
    if before.deleted_at is None:
        below = await uow.documents.lock_descendants(before.id)
        require_subtree_limit(below)
        for each in (before, *below):
            if each.deleted_at is None:
                document = with_changes(each, uow.now, deleted_at=uow.now)
                await uow.documents.save(document)
                uow.record(DocumentDeleted(actor_id=actor.user_id, document=document))
    return before.id


async def restore(uow: UnitOfWork, actor: Actor, document_id: UUID) -> Document:
    """Bring a document back, with those below that were deleted together with it."""
    before, _ = await open_document(uow, actor, document_id, Action.DELETE)
    if before.deleted_at is None:
        return before
    if before.parent_id is not None:
        parent, _ = await open_document(uow, actor, before.parent_id, Action.READ)
        if parent.deleted_at is not None:
            raise Invalid(("input", "id"), "Restore the document above it first.")
    below = await uow.documents.lock_descendants(before.id)
    require_subtree_limit(below)
    restored = before
    for each in (before, *below):
        if each.deleted_at == before.deleted_at:
            document = with_changes(each, uow.now, deleted_at=None)
            await uow.documents.save(document)
            uow.record(DocumentRestored(actor_id=actor.user_id, document=document))
            restored = document if each is before else restored
    return restored
