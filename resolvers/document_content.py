"""Resolves the contents and versions of documents, and saves them."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Annotated, Any
from uuid import UUID

import strawberry
from uuid_utils.compat import uuid7

from content import document_types
from domain import document as documents
from domain import text
from domain.attachment import AttachmentState
from domain.blob import BlobTooLarge, attachment_key
from domain.document import ContentFormat, DocumentType
from domain.errors import Invalid, NotFound, TooLong
from domain.permissions import Action, ResourceKind, granted_actions
from persistence.blobs.document_objects import content_key, gather_limited
from persistence.documents.contents import STORED_ATTRIBUTES, DocumentContent
from persistence.documents.document_reader import StoredState
from persistence.stores import attachment, project
from persistence.stores import document_queries as stored
from persistence.unit_of_work import SqlUnitOfWork
from resolvers.context import Context, InputValues
from resolvers.page import collect_ids
from resolvers.viewer_permissions import viewer_can

Format = Annotated[ContentFormat | None, strawberry.argument(description="In which form.")]

MAX_MARKDOWN_CHARACTERS = 500_000
_SNAPSHOT_KEY = "snapshot"
_LINK_TTL_SECONDS = 300
_DOWNLOAD_TYPES = {
    ContentFormat.MARKDOWN: ("md", "text/markdown"),
    ContentFormat.TEXT: ("txt", "text/plain"),
    ContentFormat.CRDT: ("yjs", "application/octet-stream"),
}


async def contents(context: Context, parents: Sequence[Any], format: Format = ContentFormat.MARKDOWN) -> list[DocumentContent]:
    """The current content of each document."""
    return await context.services.document_contents.read_current(
        parents, format or ContentFormat.MARKDOWN, owner=context.viewer.principal_id
    )


async def version_contents(
    context: Context, parents: Sequence[Any], format: Format = ContentFormat.MARKDOWN
) -> list[DocumentContent]:
    """The content of each version."""
    of = collect_ids(parents, lambda each: each.document_id)
    found = await stored.by_ids(context.database, context.viewer.user_id, of)
    read = partial(context.services.document_contents.read_version, owner=context.viewer.user_id)
    return await gather_limited(
        [partial(read, DocumentType(found[each.document_id].type), each, format or ContentFormat.MARKDOWN) for each in parents]
    )


async def download_urls(context: Context, parents: Sequence[Any], format: Format = ContentFormat.MARKDOWN) -> list[str | None]:
    """A signed URL of the stored content of each version, valid for five minutes; None for formats that are not stored."""
    form = format or ContentFormat.MARKDOWN
    if form not in STORED_ATTRIBUTES:
        return [None for _ in parents]
    ending, content_type = _DOWNLOAD_TYPES[form]
    sign = context.services.blobs.download_url

    def signed(version: Any) -> Any:
        key = content_key(version.document_id, getattr(version, STORED_ATTRIBUTES[form]))
        name = f"version-{version.number}.{ending}"
        return partial(sign, key, file_name=name, content_type=content_type, expires_in=_LINK_TTL_SECONDS)

    return list(await gather_limited([signed(each) for each in parents]))


async def prepare_create(context: Context, values: InputValues) -> InputValues:
    """Assigns the document's id and stores its initial content, if there is any and the viewer may create documents there."""
    values = values | {"id": values.get("id") or uuid7()}
    content, upload_id = values.pop("content", None), values.pop("upload_id", None)
    if content is not None and upload_id is not None:
        raise Invalid(("input", "uploadId"), "Give `content` or `uploadId`, not both.")
    if (content is None and upload_id is None) or not await _may_create(context, values["project_id"]):
        return values
    if upload_id is not None:
        content = await _read_upload(context, upload_id)
    said = text.validate_optional_markdown(
        content, ("input", "content" if upload_id is None else "uploadId"), limit=MAX_MARKDOWN_CHARACTERS
    )
    if said is None:
        return values
    type_ = values.get("type") or DocumentType.TEXT
    update = await context.services.workers.run(len(said), document_types.parse, type_, said, owner=context.viewer.user_id)
    state = StoredState(document_id=values["id"], position=0, snapshot=update)
    snapshot = await context.services.snapshots.store(values["id"], type_, state, owner=context.viewer.user_id)
    return values | {_SNAPSHOT_KEY: snapshot}


async def _read_upload(context: Context, upload_id: UUID) -> str:
    """The text of a file that the viewer has uploaded: Markdown or CSV, in UTF-8."""
    path = ("input", "uploadId")
    found = await attachment.get_own_upload(context.database, context.viewer.user_id, upload_id)
    if found is None or found.state != AttachmentState.READY:
        raise NotFound(path)
    try:
        blob = await context.services.blobs.get(attachment_key(upload_id), limit=4 * MAX_MARKDOWN_CHARACTERS)
    except BlobTooLarge as error:
        raise TooLong(path, MAX_MARKDOWN_CHARACTERS) from error
    if blob is None:
        raise NotFound(path)
    try:
        return blob.content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise Invalid(path, "The file is not text in UTF-8.") from error


async def create(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Creates a document."""
    snapshot = values.pop(_SNAPSHOT_KEY, None)
    begun = await documents.create(uow, context.viewer, values["id"], values, initial_snapshot=snapshot)
    return {"document": begun}


async def prepare_save_version(context: Context, values: InputValues) -> InputValues:
    """Stores the current content, if the viewer may save a version."""
    document = await find_writable(context, values["id"])
    if document is None:
        return values
    snapshots = context.services.snapshots
    return values | {
        _SNAPSHOT_KEY: await snapshots.store_current(document.id, DocumentType(document.type), owner=context.viewer.user_id)
    }


async def save_version(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Saves a version."""
    document, version = await documents.save_version(
        uow,
        context.viewer,
        values["id"],
        values.get(_SNAPSHOT_KEY),
        name=values.get("name"),
        change_summary=values.get("change_summary"),
    )
    return {"document": document, "version": version}


async def _may_create(context: Context, project_id: UUID) -> bool:
    """Whether the viewer may create documents there; the transaction decides again."""
    actor = context.viewer
    standing = (await project.access_by_ids(context.database, actor.user_id, [project_id])).get(project_id)
    return standing is not None and Action.CREATE in granted_actions(
        actor, standing.role, ResourceKind.DOCUMENT, archived=standing.archived
    )


async def find_writable(context: Context, document_id: UUID) -> Any:
    """The document, if the viewer may edit it; the transaction decides again."""
    found = (await stored.by_ids(context.database, context.viewer.user_id, [document_id])).get(document_id)
    if found is None:
        return None
    ((actions),) = await viewer_can(context, [found])
    return found if Action.UPDATE in actions and found.deleted_at is None else None
