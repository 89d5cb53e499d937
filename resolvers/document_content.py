"""What documents say: their contents and versions, read and saved."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Annotated, Any
from uuid import UUID

import strawberry
from uuid_utils.compat import uuid7

from content.kind import compose
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
from resolvers.context import Context, Given
from resolvers.page import named
from resolvers.viewer_permissions import viewer_can

Format = Annotated[ContentFormat | None, strawberry.argument(description="In which form.")]

LONGEST = 500_000  # characters of Markdown in one call
_SNAPSHOT = "snapshot"
_LINK_LIVES = 300  # seconds
_FILES = {
    ContentFormat.MARKDOWN: ("md", "text/markdown"),
    ContentFormat.TEXT: ("txt", "text/plain"),
    ContentFormat.CRDT: ("yjs", "application/octet-stream"),
}


async def contents(context: Context, parents: Sequence[Any], format: Format = ContentFormat.MARKDOWN) -> list[DocumentContent]:
    """What each document says now."""
    return await context.services.archive.contents.read_current(parents, format or ContentFormat.MARKDOWN)


async def version_contents(
    context: Context, parents: Sequence[Any], format: Format = ContentFormat.MARKDOWN
) -> list[DocumentContent]:
    """What each version says."""
    of = named(parents, lambda each: each.document_id)
    found = await stored.by_ids(context.database, context.viewer.user_id, of)
    reads = context.services.archive.contents.read_version
    return await gather_limited(
        [partial(reads, DocumentType(found[each.document_id].type), each, format or ContentFormat.MARKDOWN) for each in parents]
    )


async def download_urls(context: Context, parents: Sequence[Any], format: Format = ContentFormat.MARKDOWN) -> list[str | None]:
    """An address of each version's stored contents, for five minutes; null in forms that are not stored."""
    form = format or ContentFormat.MARKDOWN
    if form not in STORED_ATTRIBUTES:
        return [None for _ in parents]
    ending, content_type = _FILES[form]
    sign = context.services.blobs.download_url

    def signed(version: Any) -> Any:
        key = content_key(version.document_id, getattr(version, STORED_ATTRIBUTES[form]))
        name = f"version-{version.number}.{ending}"
        return partial(sign, key, file_name=name, content_type=content_type, expires_in=_LINK_LIVES)

    return list(await gather_limited([signed(each) for each in parents]))


async def begin(context: Context, given: Given) -> Given:
    """Give the document its id and store what it says to begin with, if somebody brings it who may begin documents there."""
    given = given | {"id": given.get("id") or uuid7()}
    content, upload_id = given.pop("content", None), given.pop("upload_id", None)
    if content is not None and upload_id is not None:
        raise Invalid(("input", "uploadId"), "Give `content` or `uploadId`, not both.")
    if (content is None and upload_id is None) or not await _may_create(context, given["project_id"]):
        return given
    if upload_id is not None:
        content = await _uploaded(context, upload_id)
    said = text.validate_optional_markdown(content, ("input", "content" if upload_id is None else "uploadId"), limit=LONGEST)
    if said is None:
        return given
    type_ = given.get("type") or DocumentType.TEXT
    update = await context.services.archive.workers.run(len(said), compose, type_, said)
    state = StoredState(document_id=given["id"], position=0, snapshot=update)
    return given | {_SNAPSHOT: await context.services.archive.store_snapshot(given["id"], type_, state)}


async def _uploaded(context: Context, upload_id: UUID) -> str:
    """What stands in a file that the viewer has uploaded: Markdown or CSV, in UTF-8."""
    path = ("input", "uploadId")
    found = await attachment.get_own_upload(context.database, context.viewer.user_id, upload_id)
    if found is None or found.state != AttachmentState.READY:
        raise NotFound(path)
    try:
        blob = await context.services.blobs.get(attachment_key(upload_id), limit=4 * LONGEST)
    except BlobTooLarge as error:
        raise TooLong(path, LONGEST) from error
    if blob is None:
        raise NotFound(path)
    try:
        return blob.content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise Invalid(path, "The file is not text in UTF-8.") from error


async def create(context: Context, uow: SqlUnitOfWork, given: Given) -> Mapping[str, Any]:
    """Begin a document."""
    snapshot = given.pop(_SNAPSHOT, None)
    begun = await documents.create(uow, context.viewer, given["id"], given, initial_snapshot=snapshot)
    return {"document": begun}


async def take(context: Context, given: Given) -> Given:
    """Store what the document says, for somebody who may save a version of it."""
    document = await writable(context, given["id"])
    if document is None:
        return given
    return given | {_SNAPSHOT: await context.services.archive.snapshot_now(document.id, DocumentType(document.type))}


async def save_version(context: Context, uow: SqlUnitOfWork, given: Given) -> Mapping[str, Any]:
    """Save a version."""
    document, version = await documents.save_version(
        uow,
        context.viewer,
        given["id"],
        given.get(_SNAPSHOT),
        name=given.get("name"),
        change_summary=given.get("change_summary"),
    )
    return {"document": document, "version": version}


async def _may_create(context: Context, project_id: UUID) -> bool:
    """Whether it is worth storing anything; the transaction decides anew."""
    actor = context.viewer
    standing = (await project.access_by_ids(context.database, actor.user_id, [project_id])).get(project_id)
    return standing is not None and Action.CREATE in granted_actions(
        actor, standing.role, ResourceKind.DOCUMENT, archived=standing.archived
    )


async def writable(context: Context, document_id: UUID) -> Any:
    """The document, if the viewer may write in it; the transaction decides anew."""
    found = (await stored.by_ids(context.database, context.viewer.user_id, [document_id])).get(document_id)
    if found is None:
        return None
    ((actions),) = await viewer_can(context, [found])
    return found if Action.UPDATE in actions and found.deleted_at is None else None
