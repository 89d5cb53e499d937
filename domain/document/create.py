"""Beginning a document."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from domain import text, watch
from domain.actor import Actor
from domain.document import place
from domain.document.entity import Document
from domain.document.events import DocumentCreated
from domain.document.kind import DocumentType
from domain.document.version import Snapshot, keep_version
from domain.errors import NotUnique
from domain.permissions import Action, Kind
from domain.ports import UnitOfWork
from domain.project import open_project


async def create(
    uow: UnitOfWork, actor: Actor, document_id: UUID, given: Mapping[str, Any], *, begins_with: Snapshot | None = None
) -> Document:
    """
    Begin a document in `project_id`, at the end of the project, under `parent_id` where it is given.

    `begins_with`: what it says, as its first edit and its first version; None for an empty document.
    """
    if given.get("parent_id") is not None:
        await uow.documents.lock_many([given["parent_id"]])  # so that it cannot leave the project meanwhile
    project, rights = await open_project(uow, actor, given["project_id"], Kind.DOCUMENT, ("input", "projectId"))
    rights.require(Action.CREATE)
    if given.get("parent_id") is not None:
        await place.require_parent(uow, project.id, given["parent_id"], None)
    document = Document(
        id=document_id,
        created_at=uow.now,
        updated_at=uow.now,
        team_id=project.team_id,
        project_id=project.id,
        parent_id=given.get("parent_id"),
        owner_id=actor.user_id,
        title=text.line(given["title"], ("input", "title"), limit=text.TITLE),
        type=given.get("type") or DocumentType.TEXT,
        rank=await place.rank_for(uow, project.id, None),
    )
    if not await uow.documents.add(document):
        raise NotUnique(("input", "id"), "This id is in use.")
    if begins_with is not None:
        position = await uow.documents.append(document.id, begins_with.state, actor.user_id)
        document, _ = await keep_version(uow, document, begins_with.at(position), author_id=actor.user_id)
    await watch.start(uow, document, [actor.user_id])
    uow.record(DocumentCreated(actor_id=actor.user_id, document=document))
    return document
