"""Changing what a document is called."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from domain import text
from domain.actor import Actor
from domain.document.entity import Document
from domain.document.events import DocumentUpdated
from domain.document.store import open_document
from domain.permissions import Action
from domain.ports import UnitOfWork
from domain.version import require_version, with_changes


async def update(
    uow: UnitOfWork, actor: Actor, document_id: UUID, values: Mapping[str, Any], *, expected_version: int | None
) -> Document:
    """Change the attributes that are given."""
    before, _ = await open_document(uow, actor, document_id, Action.UPDATE)
    require_version(before, expected_version)
    changes: dict[str, Any] = {}
    if "title" in values:
        changes["title"] = text.validate_line(values["title"], ("input", "title"), limit=text.MAX_TITLE_CHARS)
    document = with_changes(before, uow.now, **changes)
    if document is not before:
        await uow.documents.save(document)
        uow.record(DocumentUpdated(actor_id=actor.user_id, document=document, before=before))
    return document
