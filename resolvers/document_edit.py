"""Edits from outside live sessions: text merged into a document, and versions brought back, both as edits of its log."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from content import edit
from content.guard import DOCUMENT_BYTES
from domain import text
from domain.document import DocumentType
from domain.document.write import append_edit, require_version_of
from domain.errors import CursorExpired, Invalid, LimitExceeded, Required
from persistence.documents.document_reader import StoredState
from persistence.documents.rendering import edit_update, restore_update
from persistence.stores import document_queries as stored
from persistence.unit_of_work import SqlUnitOfWork
from resolvers.context import Context, Given
from resolvers.document_content import LONGEST, writable

_UPDATE = "update"
_WAYS = ("replace_all", "append", "find")


async def merge(context: Context, given: Given) -> Given:
    """Make the update that merges the text into what people write meanwhile."""
    ways = [each for each in _WAYS if given.get(each) is not None]
    if len(ways) != 1:
        raise Required(("input", "replaceAll"), "Give one of `replaceAll`, `append` and `find`.")
    if ways == ["find"] and given.get("replace_with") is None:
        raise Required(("input", "replaceWith"), "Say what to replace it with.")
    _bound(given)
    document = await writable(context, given["id"])
    if document is None:
        return given
    type_ = DocumentType(document.type)
    (live,) = await context.services.archive.reader.read([document.id])
    base = await _base(context, live, given["base"])
    match ways:
        case ["replace_all"]:
            update = await _made(context, base, edit.replace_all, type_, given["replace_all"])
        case ["append"]:
            update = await _made(context, live, edit.append, type_, given["append"])
        case _:
            update = await _made(context, live, edit.find_and_replace, type_, given["find"], given["replace_with"])
    return given | {_UPDATE: _fitting(live, update)}


async def bring_back(context: Context, given: Given) -> Given:
    """Make the update that turns what the document says now into what a version of it said."""
    document = await writable(context, given["id"])
    if document is None:
        return given
    found = await stored.versions_by_ids(context.database, context.viewer.user_id, [given["version_id"]])
    version = found.get(given["version_id"])
    if version is None or version.document_id != document.id:
        return given | {_UPDATE: b""}
    states = context.services.archive.reader
    (live,) = await states.read([document.id])
    snapshot = await states.read_content(document.id, version.crdt)
    size = live.size + len(snapshot)
    run = context.services.archive.workers.run
    update = await run(size, restore_update, DocumentType(document.type), live.snapshot, live.updates, snapshot)
    return given | {_UPDATE: _fitting(live, update)}


async def apply(context: Context, uow: SqlUnitOfWork, given: Given) -> Mapping[str, Any]:
    """Put the update at the end of the log."""
    brings = given.get("replace_all") or given.get("append") or given.get("replace_with")
    return {"document": await append_edit(uow, context.viewer, given["id"], given.get(_UPDATE), markdown=brings)}


async def restore_version(context: Context, uow: SqlUnitOfWork, given: Given) -> Mapping[str, Any]:
    """Put the update at the end of the log, when the version is one of this document."""
    document = await append_edit(uow, context.viewer, given["id"], given.get(_UPDATE))
    await require_version_of(uow, document.id, given["version_id"])
    version_id: UUID = given["version_id"]
    return {"document": document, "version": await uow.documents.version(document.id, version_id)}


def _bound(given: Given) -> None:
    """No text is longer than can be taken; blank ones may be meant."""
    for name, field in (("replace_all", "replaceAll"), ("append", "append"), ("find", "find"), ("replace_with", "replaceWith")):
        if given.get(name):
            text.validate_optional_markdown(given[name], ("input", field), limit=LONGEST)


async def _base(context: Context, live: StoredState, position: int) -> StoredState:
    """What the document said at the position that the caller read it at."""
    if position == live.position:
        return live
    path = ("input", "base")
    if not 0 <= position < live.position:
        raise Invalid(path, "The document was never at this position.")
    try:
        (base,) = await context.services.archive.reader.read([live.document_id], at=position)
    except CursorExpired as error:
        raise Invalid(path, "Single edits of that time are no longer kept: read the document again.") from error
    return base


async def _made(context: Context, state: StoredState, function: Any, type_: DocumentType, *given: str) -> bytes:
    size = state.size + sum(map(len, given))
    return await context.services.archive.workers.run(size, edit_update, function, type_, state.snapshot, state.updates, *given)


def _fitting(live: StoredState, update: bytes) -> bytes:
    if live.size + len(update) > DOCUMENT_BYTES:
        raise LimitExceeded("The document would become too large.", DOCUMENT_BYTES, path=("input", "id"))
    return update
