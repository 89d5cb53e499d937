"""Edits documents from outside live sessions: merges text and restores versions, both as edits in the document's log."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from content import edit
from content.guard import MAX_DOCUMENT_BYTES
from domain import text
from domain.document import DocumentType
from domain.document.write import append_edit, require_version_of
from domain.errors import CursorExpired, Invalid, LimitExceeded, Required
from persistence.documents.document_reader import StoredState
from persistence.documents.rendering import edit_update, restore_update
from persistence.stores import document_queries as stored
from persistence.unit_of_work import SqlUnitOfWork
from resolvers.context import Context, InputValues
from resolvers.document_content import MAX_MARKDOWN_CHARACTERS, find_writable

_UPDATE_KEY = "update"
_EDIT_FIELDS = ("replace_all", "append", "find")


async def prepare_edit(context: Context, values: InputValues) -> InputValues:
    """Builds the update that merges the text with concurrent edits."""
    ways = [each for each in _EDIT_FIELDS if values.get(each) is not None]
    if len(ways) != 1:
        raise Required(("input", "replaceAll"), "Give one of `replaceAll`, `append` and `find`.")
    if ways == ["find"] and values.get("replace_with") is None:
        raise Required(("input", "replaceWith"), "A replacement is required.")
    _check_lengths(values)
    document = await find_writable(context, values["id"])
    if document is None:
        return values
    type_ = DocumentType(document.type)
    (live,) = await context.services.document_reader.read([document.id])
    base = await _state_at(context, live, values["base"])
    match ways:
        case ["replace_all"]:
            update = await _build_update(context, base, edit.replace_all, type_, values["replace_all"])
        case ["append"]:
            update = await _build_update(context, live, edit.append, type_, values["append"])
        case _:
            update = await _build_update(context, live, edit.find_and_replace, type_, values["find"], values["replace_with"])
    return values | {_UPDATE_KEY: _within_size_limit(live, update)}


async def prepare_restore(context: Context, values: InputValues) -> InputValues:
    """Builds the update that turns the current content into the content of a version."""
    document = await find_writable(context, values["id"])
    if document is None:
        return values
    found = await stored.versions_by_ids(context.database, context.viewer.user_id, [values["version_id"]])
    version = found.get(values["version_id"])
    if version is None or version.document_id != document.id:
        return values | {_UPDATE_KEY: b""}
    states = context.services.document_reader
    (live,) = await states.read([document.id])
    snapshot = await states.read_content(document.id, version.crdt)
    size = live.size + len(snapshot)
    update = await context.services.workers.run(
        size,
        restore_update,
        DocumentType(document.type),
        live.snapshot,
        live.updates,
        snapshot,
        owner=context.viewer.user_id,
    )
    return values | {_UPDATE_KEY: _within_size_limit(live, update)}


async def apply(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Appends the update to the log."""
    brings = values.get("replace_all") or values.get("append") or values.get("replace_with")
    return {"document": await append_edit(uow, context.viewer, values["id"], values.get(_UPDATE_KEY), markdown=brings)}


async def restore_version(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Appends the update to the log, if the version belongs to this document."""
    document = await append_edit(uow, context.viewer, values["id"], values.get(_UPDATE_KEY))
    await require_version_of(uow, document.id, values["version_id"])
    version_id: UUID = values["version_id"]
    return {"document": document, "version": await uow.documents.version(document.id, version_id)}


def _check_lengths(values: InputValues) -> None:
    """Raises TooLong for a text beyond the limit; blank texts are allowed."""
    for name, field in (("replace_all", "replaceAll"), ("append", "append"), ("find", "find"), ("replace_with", "replaceWith")):
        if values.get(name):
            text.validate_optional_markdown(values[name], ("input", field), limit=MAX_MARKDOWN_CHARACTERS)


async def _state_at(context: Context, current: StoredState, position: int) -> StoredState:
    """The content of the document at the position at which the caller read it."""
    if position == current.position:
        return current
    path = ("input", "base")
    if not 0 <= position < current.position:
        raise Invalid(path, "The document has no such position.")
    try:
        (base,) = await context.services.document_reader.read([current.document_id], at=position)
    except CursorExpired as error:
        raise Invalid(path, "The edits of that time are no longer stored: read the document again.") from error
    return base


async def _build_update(context: Context, state: StoredState, function: Any, type_: DocumentType, *arguments: str) -> bytes:
    size = state.size + sum(map(len, arguments))
    owner = context.viewer.user_id
    return await context.services.workers.run(
        size, edit_update, function, type_, state.snapshot, state.updates, *arguments, owner=owner
    )


def _within_size_limit(current: StoredState, update: bytes) -> bytes:
    if current.size + len(update) > MAX_DOCUMENT_BYTES:
        raise LimitExceeded("The document would become too large.", MAX_DOCUMENT_BYTES, path=("input", "id"))
    return update
