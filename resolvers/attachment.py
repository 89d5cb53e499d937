"""Resolves files: announces, completes and lists them, and signs their upload and download URLs."""

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import strawberry

from domain import upload as uploads
from domain.attachment import Attachment, AttachmentState
from domain.blob import UploadTarget, attachment_key
from domain.errors import BadUserInput, NotFound
from domain.media import SNIFF_BYTES
from domain.page import Page, Paging
from domain.picture import (
    MAX_SIZE_PIXELS,
    MIN_SIZE_PIXELS,
    ThumbnailShape,
    edge_for,
    has_thumbnails,
    thumbnail_name,
)
from domain.upload import UPLOAD_SECONDS, UploadedFile
from persistence.stores import attachment
from persistence.stores.attachment import ATTACHMENTS
from persistence.unit_of_work import SqlUnitOfWork
from resolvers.context import Context, InputValues
from resolvers.page import list_pages

MIN_EXPIRY_SECONDS, MAX_EXPIRY_SECONDS = 10, 86_400
_EXPIRY_STEP_SECONDS = 60  # URLs signed within a minute expire together, so that they are equal and caches recognize them
ExpiresIn = Annotated[
    int | None, strawberry.argument(description="Seconds for which it holds, 10 to 86,400; up to a minute more.")
]


async def of_subjects(context: Context, parents: Sequence[Any], page: Paging) -> list[Page[Any]]:
    """The files attached to each task, document or comment, oldest first."""
    return await list_pages(context, ATTACHMENTS, parents, page)


async def urls(context: Context, parents: Sequence[Any], expires_in: ExpiresIn = 300) -> list[str | None]:
    """The download URL of each file; None for files that are not ready."""
    seconds = _require_expiry(expires_in)
    return [await signed_url(context, each, seconds) if each.state == AttachmentState.READY else None for each in parents]


async def thumbnail_urls(
    context: Context,
    parents: Sequence[Any],
    size: Annotated[
        int | None, strawberry.argument(description="Pixels of the longer side, 16 to 1024; rounded up, never enlarged.")
    ] = 256,
    expires_in: ExpiresIn = 300,
) -> list[str | None]:
    """The URL of each picture's thumbnail; None for files that are not ready, or no pictures."""
    seconds, edge = _require_expiry(expires_in), require_edge(size)
    return [
        thumbnail_url(context, each, ThumbnailShape.FIT, edge, seconds)
        if each.state == AttachmentState.READY and has_thumbnails(each.content_type, each.byte_size)
        else None
        for each in parents
    ]


def require_edge(size: int | None) -> int:
    """The edge of a thumbnail that somebody asks for, in pixels, rounded up. Raises BadUserInput."""
    if size is None or not MIN_SIZE_PIXELS <= size <= MAX_SIZE_PIXELS:
        raise BadUserInput(f"`size` must be between {MIN_SIZE_PIXELS} and {MAX_SIZE_PIXELS}.", path=("size",))
    return edge_for(size)


def thumbnail_url(context: Context, file: Any, shape: ThumbnailShape, edge_pixels: int, expires_in: int) -> str:
    """The URL of one thumbnail."""
    key = f"{file.id}/{thumbnail_name(shape, edge_pixels)}"
    return context.services.thumbnail_urls.sign("GET", key, {}, expires=_expiry(expires_in)[1])


async def signed_url(context: Context, file: Any, expires_in: int) -> str:
    """The download URL of one file."""
    now, end = _expiry(expires_in)
    return await context.services.blobs.download_url(
        attachment_key(file.id), file_name=file.file_name, content_type=file.content_type, expires_in=end - now
    )


def _require_expiry(expires_in: int | None) -> int:
    if expires_in is None or not MIN_EXPIRY_SECONDS <= expires_in <= MAX_EXPIRY_SECONDS:
        raise BadUserInput(f"`expiresIn` must be between {MIN_EXPIRY_SECONDS} and {MAX_EXPIRY_SECONDS}.", path=("expiresIn",))
    return expires_in


def _expiry(expires_in: int) -> tuple[int, int]:
    """Now, and when a URL expires, in seconds since 1970."""
    now = int(time.time())
    return now, -(-(now + expires_in) // _EXPIRY_STEP_SECONDS) * _EXPIRY_STEP_SECONDS


async def upload_targets(context: Context, parents: Sequence[Any]) -> list[UploadTarget | None]:
    """The upload target of each announced file; None if it was rejected, has been uploaded, or its time for uploading has
    passed."""
    return [None if each.attachment is None else await _upload_target(context, each.attachment) for each in parents]


async def _upload_target(context: Context, file: Attachment) -> UploadTarget | None:
    end = file.created_at + timedelta(seconds=UPLOAD_SECONDS)
    if file.state != AttachmentState.PENDING or end <= datetime.now(UTC):
        return None
    return await context.services.blobs.upload_target(
        attachment_key(file.id), byte_size=file.byte_size, content_type=file.content_type, sha256=file.sha256, expires_at=end
    )


async def create(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Announces a file."""
    return {"attachment": await uploads.create(uow, context.viewer, values)}


async def inspect_upload(context: Context, values: InputValues) -> InputValues:
    """Adds the uploaded file as `arrived` to the values; runs before the transaction, since the object storage is slow."""
    found = await attachment.get_own_upload(context.database, context.viewer.user_id, values["id"])
    if found is None:
        raise NotFound(("input", "id"))
    if found.state != AttachmentState.PENDING:
        return values
    blobs, key = context.services.blobs, attachment_key(found.id)
    if (info := await blobs.head(key)) is None or (start := await blobs.get_start(key, SNIFF_BYTES)) is None:
        return values
    return {**values, "arrived": UploadedFile(byte_size=info.byte_size, sha256=info.sha256, start=start)}


async def complete(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Completes an upload; a file that differs from what was announced is rejected."""
    file, wrong = await uploads.complete(uow, context.viewer, values["id"], values.get("arrived"))
    return {"attachment": file} if wrong is None else {"attachment": file, "refused": wrong}


async def delete(context: Context, uow: SqlUnitOfWork, values: InputValues) -> Mapping[str, Any]:
    """Deletes a file."""
    expected = values.get("expected_version")
    deleted = await uploads.delete(uow, context.viewer, values["id"], expected_version=expected)
    return {"deleted": deleted, "type": "Attachment"}
