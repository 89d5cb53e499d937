"""Uploads: announcing a file, and having it looked at once it is there.

A client says what it will send and gets an address; it sends the bytes past the graph, and says that it has. What arrived is then
compared with what was announced: the file is READY, or REJECTED for good. The address takes one upload, so what was looked at is
what stays.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from domain import media, text
from domain.actor import Actor, Scope
from domain.attachment import Attachment, AttachmentState, AttachmentTarget, attach_files, target_attributes
from domain.comment import comment_attachment_target, open_comment
from domain.errors import Conflict, DomainError, Invalid, LimitExceeded, NotFound, Path
from domain.permissions import Action, ResourceKind, access
from domain.ports import UnitOfWork
from domain.subject import open_subject, subject_attachment_target
from domain.version import with_changes

MAX_UPLOAD_BYTES = 100 * 1024 * 1024
MAX_PENDING_UPLOADS = 100
UPLOAD_SECONDS = 3600
_SHA256 = re.compile(r"[0-9a-f]{64}")
_BIDI_CONTROL = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadedFile:
    """What lies under an upload's key. `sha256` is None where the store does not know it; `start`: its first bytes."""

    byte_size: int
    sha256: str | None
    start: bytes


async def create(uow: UnitOfWork, actor: Actor, values: Mapping[str, Any]) -> Attachment:
    """
    Announce a file: `file_name`, `content_type`, `byte_size`, and `sha256` where the client knows it.

    With `subject_id` it will be on that task, document or comment as soon as it is there.
    """
    attachment = Attachment(
        id=uow.new_id(),
        created_at=uow.now,
        updated_at=uow.now,
        uploader_id=actor.user_id,
        file_name=_file_name(values["file_name"]),
        content_type=_content_type(values["content_type"]),
        byte_size=_byte_size(values["byte_size"]),
        sha256=_sha256(values.get("sha256")),
    )
    if values.get("subject_id") is not None:
        attachment = replace(
            attachment, **target_attributes(await _open_target(uow, actor, values["subject_id"], ("input", "subjectId")))
        )
    if await uow.attachments.count_uploads(actor.user_id) >= MAX_PENDING_UPLOADS:
        raise LimitExceeded(f"At most {MAX_PENDING_UPLOADS} uploads wait to be attached; delete some.", MAX_PENDING_UPLOADS)
    await uow.attachments.add(attachment)
    return attachment


async def complete(
    uow: UnitOfWork, actor: Actor, attachment_id: UUID, uploaded: UploadedFile | None
) -> tuple[Attachment, Invalid | None]:
    """
    Check what arrived: the file, READY or REJECTED, and why it was rejected. Doing it again gives the same result.

    Raises Invalid when nothing has arrived.
    """
    path = ("input", "id")
    (upload,) = await uow.attachments.lock_uploads([attachment_id], actor.user_id) or (None,)
    if upload is None:
        found = await uow.attachments.lock(attachment_id, actor.user_id)
        if found is None or found[0].uploader_id != actor.user_id:
            raise NotFound(path)
        return found[0], None
    match upload.state:
        case AttachmentState.READY:
            return upload, None
        case AttachmentState.REJECTED:
            return upload, Invalid(path, "This file was rejected; upload it anew.")
    if uploaded is None:
        raise Invalid(path, "No file has arrived yet.")
    if (wrong := _mismatch(upload, uploaded)) is not None:
        rejected = with_changes(upload, uow.now, state=AttachmentState.REJECTED)
        await uow.attachments.save(rejected)
        await uow.attachments.discard(rejected.id, uow.now)
        return rejected, Invalid(path, wrong)
    ready = with_changes(upload, uow.now, state=AttachmentState.READY, sha256=upload.sha256 or uploaded.sha256)
    if ready.subject_id is None:
        await uow.attachments.save(ready)
        return ready, None
    (put,) = await attach_files(uow, actor, [ready], await _open_target(uow, actor, ready.subject_id, path), path)
    return put, None


async def delete(uow: UnitOfWork, actor: Actor, attachment_id: UUID, *, expected_version: int | None) -> UUID:
    """Delete a file: its uploader's while it is on nothing; from a task, document or comment by its uploader or an admin."""
    path = ("input", "id")
    found = await uow.attachments.lock(attachment_id, actor.user_id)
    if found is None:
        raise NotFound(path)
    attachment, role, archived = found
    if attachment.about_type == "Document" and Scope.DOCUMENTS_WRITE not in actor.scopes:
        raise NotFound(path)
    own = attachment.uploader_id == actor.user_id
    rights = access(actor, role, ResourceKind.ATTACHMENT, own=own, archived=archived, path=path) if attachment.about_id else None
    if attachment.attached and rights is None:
        raise Invalid(path, "This is somebody's picture: `userUpdate` changes it.")
    if attachment.attached and rights is not None:
        rights.require(Action.DELETE, "Only its uploader or an admin can delete a file.", path=path)
    if expected_version not in (None, attachment.version):
        raise Conflict(None)
    if attachment.attached:
        assert attachment.subject_id is not None
        holder = await _open_target(uow, actor, attachment.subject_id, path, Action.READ)
        uow.record(holder.make_event(actor_id=actor.user_id, removed=(attachment,)))
    await uow.attachments.remove(attachment.id, uow.now)
    return attachment.id


async def _open_target(
    uow: UnitOfWork, actor: Actor, subject_id: UUID, path: Path, action: Action = Action.UPDATE
) -> AttachmentTarget:
    """Fetch, lock and authorise what a file is on."""
    try:
        comment, rights = await open_comment(uow, actor, subject_id, path)
    except NotFound:
        try:
            subject = await open_subject(uow, actor, subject_id, action)
        except DomainError as error:
            error.path = path
            raise
        if subject.deleted_at is not None:
            raise Invalid(path, "This was deleted.") from None
        return subject_attachment_target(subject)
    rights.require(action, "Only its author can put files on a comment.", path=path)
    return comment_attachment_target(comment)


def _mismatch(upload: Attachment, uploaded: UploadedFile) -> str | None:
    if uploaded.byte_size != upload.byte_size:
        return f"The file has {uploaded.byte_size} bytes; {upload.byte_size} were announced."
    if None not in (upload.sha256, uploaded.sha256) and uploaded.sha256 != upload.sha256:
        return "The file does not have the hash that was announced."
    if not media.matches_type(upload.content_type, uploaded.start):
        return f"The file is no {upload.content_type}."
    return None


def _file_name(value: str) -> str:
    path = ("input", "fileName")
    if _BIDI_CONTROL.search(value):
        raise Invalid(path, "Characters that change the direction of writing are not allowed.")
    name = text.validate_line(value, path, limit=255)
    if "/" in name or "\\" in name or name in (".", ".."):
        raise Invalid(path, "A file's name holds no path.")
    return name


def _content_type(value: str) -> str:
    found = media.media_type(value)
    if found is None:
        raise Invalid(("input", "contentType"), "This is no media type, such as image/png.")
    return found


def _byte_size(value: int) -> int:
    path = ("input", "byteSize")
    if value < 1:
        raise Invalid(path, "A file has at least one byte.")
    if value > MAX_UPLOAD_BYTES:
        raise LimitExceeded(f"A file has at most {MAX_UPLOAD_BYTES} bytes.", MAX_UPLOAD_BYTES, path=path)
    return value


def _sha256(value: str | None) -> str | None:
    if value is not None and not _SHA256.fullmatch(value.lower()):
        raise Invalid(("input", "sha256"), "A SHA-256 is written as 64 hexadecimal digits.")
    return None if value is None else value.lower()
