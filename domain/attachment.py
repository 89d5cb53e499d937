"""Attachments: files on tasks, documents and comments, and people's pictures.

A file is uploaded first (`domain.upload`) and belongs to its uploader until it is attached; from then on it is seen by who sees
what it is on. The bytes are a blob, stored under the attachment's id, and never change.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Protocol
from uuid import UUID

from domain.actor import Actor
from domain.errors import Invalid, LimitExceeded, NotFound, Path
from domain.events import Entity, Event, FieldChange
from domain.permissions import Role
from domain.ports import UnitOfWork
from domain.version import with_changes

MAX_BATCH_ATTACHMENTS = 20
MAX_ATTACHMENTS = 100
MAX_AVATAR_BYTES = 2 * 1024 * 1024
AVATAR_TYPES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})


class AttachmentState(StrEnum):
    """How far a file has come."""

    PENDING = "PENDING"
    READY = "READY"
    REJECTED = "REJECTED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """
    A file. `subject` is what it is on, or, while it is pending, what it is meant for; None for a file that is on nothing yet.

    `about` is the task or document under which it lies: the subject itself, or what the comment is about; None for a picture of a
    person. `byte_size` and `content_type` are as announced, and true once it is READY; `sha256`, in hexadecimal, is None where it
    is unknown.
    """

    type_name: ClassVar[str] = "Attachment"

    id: UUID
    version: int = 1
    created_at: datetime
    updated_at: datetime
    uploader_id: UUID | None
    subject_type: str | None = None
    subject_id: UUID | None = None
    about_type: str | None = None
    about_id: UUID | None = None
    file_name: str
    content_type: str
    byte_size: int
    sha256: str | None = None
    state: AttachmentState = AttachmentState.PENDING

    @property
    def attached(self) -> bool:
        """Whether it is on something, and no longer only its uploader's."""
        return self.state == AttachmentState.READY and self.subject_id is not None


class FilesEventFactory(Protocol):
    """Makes the event of files that were attached to something, or removed. What they are on keeps its version, as with
    reactions."""

    def __call__(
        self, *, actor_id: UUID | None, added: tuple[Attachment, ...] = (), removed: tuple[Attachment, ...] = ()
    ) -> Event: ...


@dataclass(frozen=True, slots=True)
class AttachmentTarget:
    """What files are put on, a task, document or comment; `about` is the task or document that this lies under, or is itself."""

    entity: Entity
    about: tuple[str, UUID]
    make_event: FilesEventFactory


def file_changes(added: Sequence[Attachment], removed: Sequence[Attachment]) -> tuple[FieldChange, ...]:
    """What an event about files says of each."""
    gone = (FieldChange(field="attachments", before=_to_change_value(each)) for each in removed)
    return (*gone, *(FieldChange(field="attachments", after=_to_change_value(each)) for each in added))


class AttachmentStore(Protocol):
    """Stores attachments. The blob of what is removed is deleted after the transaction."""

    async def add(self, attachment: Attachment) -> None: ...
    async def save(self, attachment: Attachment) -> None: ...
    async def lock(self, attachment_id: UUID, user_id: UUID) -> tuple[Attachment, Role | None, bool] | None:
        """An attachment that the user may see, held, with their role in its team (None: in none) and whether its project is
        archived."""
        ...

    async def lock_uploads(self, attachment_ids: Sequence[UUID], uploader_id: UUID) -> Sequence[Attachment]:
        """Those of the files that the user has uploaded and that are on nothing yet, held."""
        ...

    async def count_uploads(self, uploader_id: UUID) -> int:
        """How many files of the user are on nothing yet."""
        ...

    async def count_on(self, subject_id: UUID) -> int:
        """How many files are on something."""
        ...

    async def remove(self, attachment_id: UUID, at: datetime) -> None: ...
    async def remove_from(self, subject_ids: Sequence[UUID], at: datetime) -> None:
        """Remove all that is on these subjects."""
        ...

    async def discard(self, attachment_id: UUID, at: datetime) -> None:
        """Remove the blob of a file, but not the file's record."""
        ...


async def attach(uow: UnitOfWork, actor: Actor, upload_ids: Sequence[UUID], target: AttachmentTarget, path: Path) -> None:
    """Put the actor's uploads on what they have just made or opened for writing."""
    wanted = list(dict.fromkeys(upload_ids))
    if not wanted:
        return
    if len(wanted) > MAX_BATCH_ATTACHMENTS:
        raise LimitExceeded(f"At most {MAX_BATCH_ATTACHMENTS} files are attached at once.", MAX_BATCH_ATTACHMENTS, path=path)
    found = {each.id: each for each in await uow.attachments.lock_uploads(sorted(wanted), actor.user_id)}
    for index, upload_id in enumerate(wanted):
        _require_ready(found.get(upload_id), (*path, str(index)))
    await attach_files(uow, actor, [found[upload_id] for upload_id in wanted], target, path)


async def attach_files(
    uow: UnitOfWork, actor: Actor, uploads: Sequence[Attachment], target: AttachmentTarget, path: Path
) -> Sequence[Attachment]:
    """Put files that are ready, and held, on something that was opened for writing."""
    if await uow.attachments.count_on(target.entity.id) + len(uploads) > MAX_ATTACHMENTS:
        raise LimitExceeded(f"There are at most {MAX_ATTACHMENTS} files on one thing.", MAX_ATTACHMENTS, path=path)
    put = [with_changes(each, uow.now, **target_attributes(target)) for each in uploads]
    for each in put:
        await uow.attachments.save(each)
    uow.record(target.make_event(actor_id=actor.user_id, added=tuple(put)))
    return put


def target_attributes(target: AttachmentTarget) -> dict[str, Any]:
    """The attributes by which a file knows what it is on."""
    (about_type, about_id), on = target.about, target.entity
    return {"subject_type": on.type_name, "subject_id": on.id, "about_type": about_type, "about_id": about_id}


async def replace_avatar(uow: UnitOfWork, actor: Actor, before: UUID | None, upload_id: UUID | None) -> UUID | None:
    """Replace the actor's picture by an upload, or by none; returns its id."""
    path = ("input", "avatarUploadId")
    if upload_id is not None and upload_id == before:
        return before
    if upload_id is not None:
        (upload,) = await uow.attachments.lock_uploads([upload_id], actor.user_id) or (None,)
        picture = _require_ready(upload, path)
        if picture.content_type not in AVATAR_TYPES:
            raise Invalid(path, "A picture is a PNG, JPEG, GIF or WebP.")
        if picture.byte_size > MAX_AVATAR_BYTES:
            raise LimitExceeded(f"A picture has at most {MAX_AVATAR_BYTES} bytes.", MAX_AVATAR_BYTES, path=path)
        mine = with_changes(picture, uow.now, subject_type="User", subject_id=actor.user_id)
        await uow.attachments.save(mine)
    if before is not None:
        await uow.attachments.remove(before, uow.now)
    return upload_id


def _require_ready(upload: Attachment | None, path: Path) -> Attachment:
    if upload is None:
        raise NotFound(path)
    if upload.state != AttachmentState.READY:
        raise Invalid(path, "This upload is not complete.")
    return upload


def _to_change_value(attachment: Attachment) -> dict[str, object]:
    return {
        "attachmentId": str(attachment.id),
        "fileName": attachment.file_name,
        "contentType": attachment.content_type,
        "byteSize": attachment.byte_size,
    }
