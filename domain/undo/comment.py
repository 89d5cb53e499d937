"""Reverses what happened to comments."""

from domain import comment as comments
from domain.actor import Actor
from domain.comment import MAX_REACTIONS, CommentReacted, open_comment
from domain.errors import Forbidden, LimitExceeded, NotFound, UndoConflict
from domain.events import Entry, FieldChange
from domain.permissions import Action
from domain.ports import UnitOfWork
from domain.undo.change_log import Call, changed_fields
from domain.undo.fields import require_as_created, require_same_deletion, values_before
from domain.version import with_changes

_PATH = ("input", "changeId")


async def delete_created(uow: UnitOfWork, actor: Actor, entry: Entry, call: Call) -> None:
    """A comment that was made is deleted, unless it has changed, or somebody has answered it."""
    comment, _ = await open_comment(uow, actor, entry.entity_id, _PATH)
    require_as_created(comment, entry, more={"replies": len(await uow.comments.lock_replies(comment.id))})
    await comments.delete(uow, actor, comment.id, expected_version=None)


async def restore(uow: UnitOfWork, actor: Actor, entry: Entry, call: Call) -> None:
    """A comment that was deleted comes back, with the replies that were deleted with it."""
    found = await uow.comments.lock_deleted(entry.entity_id, actor.user_id)
    if found is None:
        raise NotFound(_PATH)
    require_same_deletion(found[0], entry)
    await comments.restore(uow, actor, entry.entity_id)


async def delete_restored(uow: UnitOfWork, actor: Actor, entry: Entry, call: Call) -> None:
    """A comment that came back is deleted again, unless somebody has answered it since."""
    comment, _ = await open_comment(uow, actor, entry.entity_id, _PATH)
    came = call.ids_of("CommentRestored")
    since = [each for each in await uow.comments.lock_replies(comment.id) if each.id not in came]
    if since:
        raise UndoConflict(comment, [FieldChange(field="replies", before=0, after=len(since))])
    await comments.delete(uow, actor, comment.id, expected_version=None)


async def update_back(uow: UnitOfWork, actor: Actor, entry: Entry, call: Call) -> None:
    """What a comment says, or whether its thread is resolved, is what it was. Who was mentioned and cannot see it any more is
    not mentioned again."""
    before, rights = await open_comment(uow, actor, entry.entity_id, _PATH)
    if "body" in changed_fields(entry):
        rights.require(Action.UPDATE, "Only its author can edit a comment.")
    else:
        rights.require(Action.COMMENT)
    values = values_before(before, entry)
    if values.get("mention_ids"):
        values["mention_ids"] = tuple(sorted(await uow.projects.readers(before.project_id, values["mention_ids"])))
    await comments.save_changes(uow, actor, before, with_changes(before, uow.now, **values))


async def react_back(uow: UnitOfWork, actor: Actor, entry: Entry, call: Call) -> None:
    """One's own reaction is taken back, or made again."""
    comment, rights = await open_comment(uow, actor, entry.entity_id, _PATH)
    rights.require(Action.COMMENT)
    if entry.actor_id != actor.user_id:
        raise Forbidden(Action.COMMENT, "Everybody reacts for themselves.", path=_PATH)
    change = changed_fields(entry)["reactions"]
    was_added = change.get("after") is not None
    emoji = (change["after"] if was_added else change["before"])["emoji"]
    if not await (uow.comments.unreact if was_added else uow.comments.react)(comment.id, actor.user_id, emoji):
        then, now = change.get("after"), change.get("before")
        raise UndoConflict(comment, [FieldChange(field="reactions", before=then, after=now)])
    if not was_added and await uow.comments.count_reactions(comment.id) > MAX_REACTIONS:
        raise LimitExceeded("There are too many reactions.", MAX_REACTIONS, path=_PATH)
    uow.record(CommentReacted(actor_id=actor.user_id, comment=comment, emoji=emoji, on=not was_added))
