"""Reverses what happened to documents, but for their contents, which have versions."""

from collections.abc import Sequence
from uuid import UUID

from domain import document as documents
from domain import rank
from domain.actor import Actor
from domain.document import Document, DocumentMoved, DocumentMovedAway, DocumentUpdated, open_document, place
from domain.document.move import move_descendant
from domain.errors import NotUndoable, UndoConflict
from domain.events import Entry, FieldChange
from domain.permissions import Action, ResourceKind
from domain.ports import UnitOfWork
from domain.project import open_project
from domain.undo.change_log import Call, changed_fields
from domain.undo.fields import require_as_created, require_present, require_same_deletion, values_before
from domain.version import with_changes

_PATH = ("input", "changeId")


async def delete_created(uow: UnitOfWork, actor: Actor, entry: Entry, call: Call) -> None:
    """A document that was created is deleted, unless it has changed, or others lie under it."""
    document, _ = await open_document(uow, actor, entry.entity_id, Action.DELETE, _PATH)
    below = await uow.documents.lock_descendants(document.id)
    require_as_created(document, entry, more={"children": _count_present(below)})
    await documents.delete(uow, actor, document.id, expected_version=None)


async def restore(uow: UnitOfWork, actor: Actor, entry: Entry, call: Call) -> None:
    """A document that was deleted comes back, with what was deleted together with it."""
    document, _ = await open_document(uow, actor, entry.entity_id, Action.DELETE, _PATH)
    require_same_deletion(document, entry)
    await documents.restore(uow, actor, document.id)


async def delete_restored(uow: UnitOfWork, actor: Actor, entry: Entry, call: Call) -> None:
    """A document that came back is deleted again with what came with it, unless others have been put under it since."""
    document, _ = await open_document(uow, actor, entry.entity_id, Action.DELETE, _PATH)
    require_same_deletion(document, entry)
    came = call.ids_of("DocumentRestored")
    others = [each for each in await uow.documents.lock_descendants(document.id) if each.id not in came]
    if count := _count_present(others):
        raise UndoConflict(document, [FieldChange(field="children", before=0, after=count)])
    await documents.delete(uow, actor, document.id, expected_version=None)


async def update_back(uow: UnitOfWork, actor: Actor, entry: Entry, call: Call) -> None:
    """A document is called what it was called."""
    before, _ = await open_document(uow, actor, entry.entity_id, Action.UPDATE, _PATH)
    require_present(before)
    document = with_changes(before, uow.now, **values_before(before, entry))
    await uow.documents.save(document)
    uow.record(DocumentUpdated(actor_id=actor.user_id, document=document, before=before))


async def move_back(uow: UnitOfWork, actor: Actor, entry: Entry, call: Call) -> None:
    """A document stands where it stood, with all that is under it where it had changed projects."""
    changed = changed_fields(entry)
    parent = changed["parent_id"]["before"] if "parent_id" in changed else None
    await uow.documents.lock_many(sorted({entry.entity_id, *([UUID(parent)] if parent is not None else [])}))
    document, _ = await open_document(uow, actor, entry.entity_id, Action.MOVE, _PATH)
    below = await uow.documents.lock_descendants(document.id)
    place.require_subtree_limit(below)
    require_present(document)
    await _put_back(uow, actor, entry, document, below)
    if "project_id" in changed:
        project, _ = await open_project(uow, actor, UUID(changed["project_id"]["before"]), ResourceKind.DOCUMENT, _PATH)
        for each in below:
            moved = call.about(each.id, "DocumentMoved")
            follower, _ = await open_document(uow, actor, each.id, Action.MOVE, _PATH)
            try:
                if moved is None:
                    raise UndoConflict(follower, ())
                await _put_back(uow, actor, moved, follower, (), follows=True)
            except UndoConflict:
                await move_descendant(uow, actor, project, follower)


async def _put_back(
    uow: UnitOfWork, actor: Actor, entry: Entry, before: Document, below: Sequence[Document], *, follows: bool = False
) -> None:
    """`follows`: what it lies under has moved back just now."""
    left_at = changed_fields(entry).get("rank", {}).get("after", before.rank)
    is_same_place = before.rank != left_at and await uow.documents.was_compacted(before.id, left_at, before.rank)
    values = values_before(before, entry, unmoved=("rank",) if is_same_place else ())
    project, in_project = await open_project(
        uow, actor, values.get("project_id", before.project_id), ResourceKind.DOCUMENT, _PATH
    )
    if project.id != before.project_id:
        in_project.require(Action.CREATE)
    parent_id = values.get("parent_id", before.parent_id)
    if "parent_id" in values and parent_id is not None:
        await place.require_parent(uow, project.id, parent_id, before.id, below)
    elif project.id != before.project_id and parent_id is not None and not follows:
        raise NotUndoable("It moved together with the document above it: undo that change.")
    if "rank" in values:
        values["rank"] = await _free_rank(uow, project.id, values["rank"])
    document = with_changes(before, uow.now, **values)
    await uow.documents.save(document)
    if document.project_id != before.project_id:
        uow.record(DocumentMovedAway(actor_id=actor.user_id, document=before))
    uow.record(DocumentMoved(actor_id=actor.user_id, document=document, before=before))


async def _free_rank(uow: UnitOfWork, project_id: UUID, wanted: str) -> str:
    """The rank, or the next one after it where another document has it now."""
    if not await uow.documents.has_rank(project_id, wanted):
        return wanted
    return rank.between(wanted, await uow.documents.rank_after(project_id, wanted))


def _count_present(found: Sequence[Document]) -> int:
    return sum(1 for each in found if each.deleted_at is None)
