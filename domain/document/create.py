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
from domain.document.version import Snapshot, add_version
from domain.errors import NotUnique
from domain.permissions import Action, ResourceKind
from domain.ports import UnitOfWork
from domain.project import open_project


async def create(
    uow: UnitOfWork, actor: Actor, document_id: UUID, values: Mapping[str, Any], *, initial_snapshot: Snapshot | None = None
) -> Document:
    """
    Begin a document in `project_id`, at the end of the project, under `parent_id` where it is given.

    `begins_with`: what it says, as its first edit and its first version; None for an empty document.
    """
    if values.get("parent_id") is not None:
        await uow.documents.lock_many([values["parent_id"]])  # so that it cannot leave the project meanwhile
    project, rights = await open_project(uow, actor, values["project_id"], ResourceKind.DOCUMENT, ("input", "projectId"))
    rights.require(Action.CREATE)
    if values.get("parent_id") is not None:
        await place.require_parent(uow, project.id, values["parent_id"], None)
    document = Document(
        id=document_id,
        created_at=uow.now,
        updated_at=uow.now,
        team_id=project.team_id,
        project_id=project.id,
        parent_id=values.get("parent_id"),
        owner_id=actor.user_id,
        title=text.validate_line(values["title"], ("input", "title"), limit=text.MAX_TITLE_CHARS),
        type=values.get("type") or DocumentType.TEXT,
        rank=await place.rank_for(uow, project.id, None),
    )
    if not await uow.documents.add(document):
        raise NotUnique(("input", "id"), "This id is in use.")
    if initial_snapshot is not None:
        position = await uow.documents.append(document.id, initial_snapshot.state, actor.user_id)
        document, _ = await add_version(uow, document, initial_snapshot.at_position(position), author_id=actor.user_id)
    await watch.start_watching(uow, document, [actor.user_id])
    uow.record(DocumentCreated(actor_id=actor.user_id, document=document))
    return document
