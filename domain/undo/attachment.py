"""Reverses that files were attached."""

from uuid import UUID

from domain import upload
from domain.actor import Actor
from domain.errors import NotFound, NotUndoable, UndoConflict
from domain.events import Entry, FieldChange
from domain.ports import UnitOfWork
from domain.undo.change_log import Call

_REMOVED = "A file that was removed is gone: attach it again."


async def remove_attached(uow: UnitOfWork, actor: Actor, entry: Entry, call: Call) -> None:
    """Files that were attached are removed; a removed file does not come back."""
    changes = entry.payload["changes"]
    if any(each.get("before") is not None for each in changes):
        raise NotUndoable(_REMOVED)
    for each in changes:
        try:
            await upload.delete(uow, actor, UUID(each["after"]["attachmentId"]), expected_version=None)
        except NotFound:
            raise UndoConflict(None, [FieldChange(field="attachments", before=each["after"], after=None)]) from None
