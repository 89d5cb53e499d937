"""Comments: threads of one level under a subject, with mentions, reactions and a resolved state.

A mention is a Markdown link to a user's global id, as front ends' pickers write it: `[@Ada Lovelace](user:VXNlcjo…)`. Mentions of
people who cannot see the subject are left as text.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import ClassVar, Protocol
from urllib.parse import unquote
from uuid import UUID

from domain import reference, text, watch
from domain.actor import Actor
from domain.anchor import Anchor
from domain.attachment import Attachment, AttachmentTarget, attach, file_changes
from domain.emoji import fully_qualified
from domain.errors import Invalid, LimitExceeded, NotFound, NotUnique
from domain.events import ChangeKind, Event, FieldChange, difference, team_stream
from domain.global_id import parse_of
from domain.permissions import Access, Action, ResourceKind, Role, access
from domain.ports import UnitOfWork
from domain.reference import LinkTarget
from domain.subject import open_subject
from domain.version import require_version, with_changes

_MAY_MENTION = re.compile("user:", re.IGNORECASE)
_MENTION = re.compile("user:(.{8,300})", re.IGNORECASE)
MAX_MENTIONS = MAX_REACTIONS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """What somebody said about a subject. `parent_id` is the first comment of its thread, None for that one itself.

    The four of `anchor_…` (see `domain.anchor`) are set where it is pinned to text of a document.
    """

    type_name: ClassVar[str] = "Comment"

    id: UUID
    version: int = 1
    created_at: datetime
    updated_at: datetime
    team_id: UUID
    project_id: UUID
    subject_type: str
    subject_id: UUID
    author_id: UUID | None
    parent_id: UUID | None = None
    body: str
    anchor_quote: str | None = None
    anchor_prefix: str | None = None
    anchor_suffix: str | None = None
    anchor_start: int | None = None
    mention_ids: tuple[UUID, ...] = ()
    resolved_at: datetime | None = None
    resolved_by_id: UUID | None = None
    edited_at: datetime | None = None
    deleted_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CommentEvent(Event):
    """Something about a comment, visible to those who may see its subject; part of the subject's history."""

    comment: Comment

    @property
    def stream(self) -> str:
        return team_stream(self.comment.team_id)

    @property
    def entity(self) -> Comment:
        return self.comment

    @property
    def project_id(self) -> UUID | None:
        return self.comment.project_id

    @property
    def about(self) -> tuple[str, UUID] | None:
        return self.comment.subject_type, self.comment.subject_id


@dataclass(frozen=True, slots=True, kw_only=True)
class CommentCreated(CommentEvent):
    """Somebody commented."""

    kind = ChangeKind.COMMENTED


@dataclass(frozen=True, slots=True, kw_only=True)
class CommentUpdated(CommentEvent):
    """A comment was edited, resolved or opened again."""

    kind = ChangeKind.UPDATED
    before: Comment

    @property
    def changes(self) -> tuple[FieldChange, ...]:
        return difference(self.before, self.comment)


@dataclass(frozen=True, slots=True, kw_only=True)
class CommentReacted(CommentEvent):
    """Somebody reacted to a comment, or took it back."""

    kind = ChangeKind.REACTED
    emoji: str
    on: bool

    @property
    def changes(self) -> tuple[FieldChange, ...]:
        value = {"emoji": self.emoji, "userId": str(self.actor_id)}
        return (FieldChange(field="reactions", after=value) if self.on else FieldChange(field="reactions", before=value),)


@dataclass(frozen=True, slots=True, kw_only=True)
class CommentDeleted(CommentEvent):
    """A comment is gone; with the first of a thread, so are its replies."""

    kind = ChangeKind.DELETED


@dataclass(frozen=True, slots=True, kw_only=True)
class CommentRestored(CommentEvent):
    """A deleted comment came back, without the files that were on it."""

    kind = ChangeKind.RESTORED


@dataclass(frozen=True, slots=True, kw_only=True)
class CommentFilesChanged(CommentEvent):
    """Files were attached to a comment, or removed."""

    kind = ChangeKind.ATTACHED
    added: tuple[Attachment, ...] = ()
    removed: tuple[Attachment, ...] = ()

    @property
    def changes(self) -> tuple[FieldChange, ...]:
        return file_changes(self.added, self.removed)


def comment_attachment_target(comment: Comment) -> AttachmentTarget:
    """A comment that files are put on."""
    return AttachmentTarget(comment, (comment.subject_type, comment.subject_id), partial(CommentFilesChanged, comment=comment))


class CommentStore(Protocol):
    """Stores comments and reactions."""

    async def add(self, comment: Comment) -> Comment | None:
        """Store a new comment, dated after all others about its subject: as it is stored; None when the id is in use."""
        ...

    async def save(self, comment: Comment) -> None: ...
    async def lock(self, comment_id: UUID, user_id: UUID) -> tuple[Comment, Role, bool] | None:
        """A comment that the user may see, held, with their role and whether the project is archived."""
        ...

    async def read_unlocked(self, comment_id: UUID, user_id: UUID) -> tuple[Comment, Role, bool] | None: ...
    async def lock_deleted(self, comment_id: UUID, user_id: UUID) -> tuple[Comment, Role, bool] | None:
        """The same as `lock`, of a comment that may be deleted."""
        ...

    async def lock_deleted_replies(self, comment: Comment) -> Sequence[Comment]:
        """The replies that were deleted together with a comment, held."""
        ...

    async def lock_replies(self, comment_id: UUID) -> Sequence[Comment]: ...
    async def react(self, comment_id: UUID, user_id: UUID, emoji: str) -> bool:
        """Store a reaction; False when it was there."""
        ...

    async def unreact(self, comment_id: UUID, user_id: UUID, emoji: str) -> bool:
        """Take a reaction back; False when there was none."""
        ...

    async def count_reactions(self, comment_id: UUID) -> int:
        """How many different emoji a comment has."""
        ...


async def create(
    uow: UnitOfWork,
    actor: Actor,
    comment_id: UUID | None,
    *,
    subject_id: UUID,
    parent_id: UUID | None,
    body: str,
    upload_ids: Sequence[UUID],
    anchor: Anchor | None = None,
) -> Comment:
    """Say something about a subject; an answer to an answer joins the same thread."""
    subject = await open_subject(uow, actor, subject_id, Action.COMMENT, lock=bool(parent_id or upload_ids))
    if subject.deleted_at is not None:
        raise Invalid(("input", "subjectId"), "This was deleted.")
    if parent_id is not None:
        parent, _ = await open_comment(uow, actor, parent_id, ("input", "parentId"))
        if parent.subject_id != subject.id:
            raise NotFound(("input", "parentId"))
        parent_id = parent.parent_id or parent.id
    checked = text.validate_markdown(body, ("input", "body"))
    new = Comment(
        id=comment_id or uow.new_id(),
        created_at=uow.now,
        updated_at=uow.now,
        team_id=subject.team_id,
        project_id=subject.project_id,
        subject_type=subject.type_name,
        subject_id=subject.id,
        author_id=actor.user_id,
        parent_id=parent_id,
        body=checked,
        anchor_quote=None if anchor is None else anchor.quote,
        anchor_prefix=None if anchor is None else anchor.prefix,
        anchor_suffix=None if anchor is None else anchor.suffix,
        anchor_start=None if anchor is None else anchor.start,
        mention_ids=await _mentions(uow, subject.project_id, checked),
    )
    comment = await uow.comments.add(new)
    if comment is None:
        raise NotUnique(("input", "id"), "This id is in use.")
    await watch.start_watching(uow, subject, [actor.user_id, *comment.mention_ids])
    await reference.update_references(uow, comment, None, comment.body)
    uow.record(CommentCreated(actor_id=actor.user_id, comment=comment))
    await attach(uow, actor, upload_ids, comment_attachment_target(comment), ("input", "uploadIds"))
    return comment


async def update(uow: UnitOfWork, actor: Actor, comment_id: UUID, body: str, *, expected_version: int | None) -> Comment:
    """Edit one's own comment."""
    before, rights = await open_comment(uow, actor, comment_id, lock=False)
    rights.require(Action.UPDATE, "Only its author can edit a comment.")
    require_version(before, expected_version)
    checked = text.validate_markdown(body, ("input", "body"))
    if checked == before.body:
        return before
    mentions = await _mentions(uow, before.project_id, checked)
    comment = with_changes(before, uow.now, body=checked, mention_ids=mentions, edited_at=uow.now)
    await save_changes(uow, actor, before, comment)
    return comment


async def save_changes(uow: UnitOfWork, actor: Actor, before: Comment, comment: Comment) -> None:
    """Store a comment with other attributes, once they are allowed."""
    await uow.comments.save(comment)
    if mentioned := sorted(set(comment.mention_ids) - set(before.mention_ids)):
        await uow.watches.watch(before.subject_type, before.subject_id, mentioned)
    await reference.update_references(uow, comment, before.body, comment.body)
    uow.record(CommentUpdated(actor_id=actor.user_id, comment=comment, before=before))


async def resolve(uow: UnitOfWork, actor: Actor, comment_id: UUID, *, resolved: bool) -> Comment:
    """Close a thread, or open it again; it is the thread's first comment that carries the state."""
    before, rights = await open_comment(uow, actor, comment_id, lock=False)
    rights.require(Action.COMMENT)
    if before.parent_id is not None:
        raise Invalid(("input", "id"), "Only a thread's first comment can be resolved.")
    if (before.resolved_at is not None) == resolved:
        return before
    at, by = (uow.now, actor.user_id) if resolved else (None, None)
    comment = with_changes(before, uow.now, resolved_at=at, resolved_by_id=by)
    await save_changes(uow, actor, before, comment)
    return comment


async def react(uow: UnitOfWork, actor: Actor, comment_id: UUID, emoji: str, *, on: bool) -> Comment:
    """Add one's reaction, or take it back. The comment's version stays: a reaction is no reason for an author's conflict."""
    comment, rights = await open_comment(uow, actor, comment_id)
    rights.require(Action.COMMENT)
    sign = fully_qualified(emoji)
    if sign is None:
        raise Invalid(("input", "emoji"), "This is not an emoji.")
    if await (uow.comments.react if on else uow.comments.unreact)(comment.id, actor.user_id, sign):
        if on and await uow.comments.count_reactions(comment.id) > MAX_REACTIONS:
            raise LimitExceeded("There are too many reactions.", MAX_REACTIONS, path=("input", "emoji"))
        uow.record(CommentReacted(actor_id=actor.user_id, comment=comment, emoji=sign, on=on))
    return comment


async def delete(uow: UnitOfWork, actor: Actor, comment_id: UUID, *, expected_version: int | None) -> UUID:
    """Delete a comment; with the first of a thread go its replies, and with each its files."""
    before, rights = await open_comment(uow, actor, comment_id)
    rights.require(Action.DELETE, "Only its author or an admin can delete a comment.")
    require_version(before, expected_version)
    gone = (before, *await uow.comments.lock_replies(before.id))
    await uow.attachments.remove_from([each.id for each in gone], uow.now)
    for each in gone:
        comment = with_changes(each, uow.now, deleted_at=uow.now)
        await uow.comments.save(comment)
        await reference.update_references(uow, comment, comment.body, None)
        uow.record(CommentDeleted(actor_id=actor.user_id, comment=comment))
    return before.id


async def restore(uow: UnitOfWork, actor: Actor, comment_id: UUID) -> Comment:
    """Bring a deleted comment back, with the replies that were deleted together with it; the files on them are gone."""
    found = await uow.comments.lock_deleted(comment_id, actor.user_id)
    if found is None:
        raise NotFound(("input", "id"))
    before, role, archived = found
    rights = access(actor, role, ResourceKind.COMMENT, own=before.author_id == actor.user_id, archived=archived)
    rights.require(Action.DELETE, "Only its author or an admin can restore a comment.")
    if before.deleted_at is None:
        return before
    if before.parent_id is not None and await uow.comments.lock(before.parent_id, actor.user_id) is None:
        raise Invalid(("input", "id"), "Restore the comment that it answers first.")
    restored = []
    for each in (before, *await uow.comments.lock_deleted_replies(before)):
        comment = with_changes(each, uow.now, deleted_at=None)
        await uow.comments.save(comment)
        await reference.update_references(uow, comment, None, comment.body)
        uow.record(CommentRestored(actor_id=actor.user_id, comment=comment))
        restored.append(comment)
    return restored[0]


async def open_comment(
    uow: UnitOfWork, actor: Actor, comment_id: UUID, path: tuple[str, ...] = ("input", "id"), *, lock: bool = True
) -> tuple[Comment, Access]:
    """Fetch, lock and look up the rights: a comment that the actor may see. It need not be held where it alone is changed."""
    found = await (uow.comments.lock if lock else uow.comments.read_unlocked)(comment_id, actor.user_id)
    if found is None:
        raise NotFound(path)
    comment, role, archived = found
    return comment, access(actor, role, ResourceKind.COMMENT, own=comment.author_id == actor.user_id, archived=archived)


async def _mentions(uow: UnitOfWork, project_id: UUID, body: str) -> tuple[UUID, ...]:
    named = mentioned_users(await uow.read_links(body, _MAY_MENTION))
    if len(named) > MAX_MENTIONS:
        raise LimitExceeded(f"At most {MAX_MENTIONS} people can be mentioned.", MAX_MENTIONS, path=("input", "body"))
    return tuple(sorted(await uow.projects.readers(project_id, sorted(named)))) if named else ()


def mentioned_users(targets: Iterable[LinkTarget]) -> frozenset[UUID]:
    """The users that these addresses name."""
    found = (_MENTION.fullmatch(address) for address, is_bare in targets if not is_bare)
    ids = (parse_of(unquote(each[1]), ("User",)) for each in found if each)
    return frozenset(id_ for id_ in ids if id_ is not None)
