"""Moving a document: to another project, under another document, to another place, in one step."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from domain import rank
from domain.actor import Actor
from domain.document import place
from domain.document.entity import Document
from domain.document.events import DocumentMoved, DocumentMovedAway
from domain.document.store import open_document
from domain.errors import Invalid, NotFound
from domain.permissions import Action, ResourceKind
from domain.ports import UnitOfWork
from domain.project import Project, open_project
from domain.version import with_changes


async def move(uow: UnitOfWork, actor: Actor, document_id: UUID, values: Mapping[str, Any]) -> Document:
    """
    Move a document, with all below it where it changes projects.

    `project_id`, `parent_id` (None: to the top), and `after_id` (None: to the front). A document that only changes its project
    comes to its top and end.
    """
    if values.get("parent_id") is not None:
        await uow.documents.lock_many(sorted({document_id, values["parent_id"]}))
    before, _ = await open_document(uow, actor, document_id, Action.MOVE)
    below = await uow.documents.lock_descendants(before.id)
    project, in_target = await open_project(
        uow, actor, values.get("project_id") or before.project_id, ResourceKind.DOCUMENT, ("input", "projectId")
    )
    leaves = project.id != before.project_id
    if leaves:
        in_target.require(Action.CREATE)
        place.require_subtree_limit(below)

    changes: dict[str, Any] = {}
    if "parent_id" in values:
        if values["parent_id"] is not None:
            await place.require_parent(uow, project.id, values["parent_id"], before.id, below)
        changes["parent_id"] = values["parent_id"]
    elif leaves:
        changes["parent_id"] = None
    if leaves or "after_id" in values:
        changes["rank"] = await _rank(uow, project.id, before, values)
    if leaves:
        changes |= {"project_id": project.id, "team_id": project.team_id}

    document = with_changes(before, uow.now, **changes)
    if document is before:
        return document
    await uow.documents.save(document)
    _record_move(uow, actor, before, document)
    if leaves:
        for each in below:
            await move_descendant(uow, actor, project, each)
    return document


async def _rank(uow: UnitOfWork, project_id: UUID, document: Document, values: Mapping[str, Any]) -> str:
    """The rank at the place that was asked for: right after a document, at the front, or, where nothing was asked, at the end."""
    after_id = values.get("after_id")
    if after_id == document.id:
        raise Invalid(("input", "afterId"), "A document cannot be placed beside itself.")
    if after_id is not None:
        low = await uow.documents.rank_of(project_id, after_id)
        if low is None:
            raise NotFound(("input", "afterId"))
        high = await uow.documents.rank_after(project_id, low)
    elif "after_id" in values:
        low, high = None, await uow.documents.rank_after(project_id, "")
    else:
        low, high = await uow.documents.last_rank(project_id), None
    stays = document.project_id == project_id and document.rank in (low, high)
    return document.rank if stays else rank.between(low, high)


async def move_descendant(uow: UnitOfWork, actor: Actor, project: Project, before: Document) -> None:
    """Let a document, held, follow what it lies under into another project, to the end of it."""
    last = rank.between(await uow.documents.last_rank(project.id), None)
    document = with_changes(before, uow.now, project_id=project.id, team_id=project.team_id, rank=last)
    await uow.documents.save(document)
    _record_move(uow, actor, before, document)


def _record_move(uow: UnitOfWork, actor: Actor, before: Document, document: Document) -> None:
    if document.project_id != before.project_id:
        uow.record(DocumentMovedAway(actor_id=actor.user_id, document=before))
    uow.record(DocumentMoved(actor_id=actor.user_id, document=document, before=before))
