"""Says whom an event concerns, and why: pure, from the entry of the log alone.

Whether these people may see the subject is decided where notifications are made (`domain.notification.create`).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from domain.events import Entry
from domain.notification.entity import NotificationReason

EVENT_TYPES: Final = frozenset(
    {
        "TaskCreated",
        "TaskUpdated",
        "TaskMoved",
        "CommentCreated",
        "CommentUpdated",
        "CommentReacted",
        "ProjectMembersChanged",
        "InvitationChanged",
        "DocumentUpdated",
        "DocumentMoved",
        "DocumentVersionSaved",
    }
)
"""The events that can concern somebody."""

_TOLD_TASK_FIELDS: Final = frozenset({"title", "description", "priority", "start_on", "due_on", "estimate", "project_id"})
_TOLD_DOCUMENT_FIELDS: Final = frozenset({"title", "project_id"})
_ORDER: Final = {reason: place for place, reason in enumerate(NotificationReason)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """To notify one person, or all who watch the subject, or whom an invitation invites (`user_id` None)."""

    reason: NotificationReason
    subject_type: str
    subject_id: UUID
    user_id: UUID | None = None
    comment_id: UUID | None = None


def proposals(entry: Entry) -> list[Proposal]:
    """Whom the entry concerns, the most important reason first. What the server did by itself concerns nobody."""
    if entry.type not in EVENT_TYPES or entry.actor_id is None:
        return []
    return sorted(_proposals(entry), key=lambda each: _ORDER[each.reason])


def _proposals(entry: Entry) -> Iterator[Proposal]:
    changed: dict[str, Mapping[str, Any]] = {each["field"]: each for each in entry.payload["changes"]}
    entity = entry.payload["entity"]
    match entry.type:
        case "TaskCreated":
            yield from _assigned(entry, entity.get("assignee_id"))
        case "TaskUpdated" | "TaskMoved":
            if "assignee_id" in changed:
                yield from _assigned(entry, changed["assignee_id"]["after"])
            if "status" in changed:
                yield _about(entry, NotificationReason.STATUS_CHANGED)
            if changed.keys() & _TOLD_TASK_FIELDS:
                yield _about(entry, NotificationReason.TASK_CHANGED)
        case "CommentCreated":
            yield from _mentioned(entry, entity.get("mention_ids") or ())
            yield _about(entry, NotificationReason.COMMENTED, comment_id=entry.entity_id)
        case "CommentUpdated":
            if "mention_ids" in changed:
                before = set(changed["mention_ids"]["before"] or ())
                yield from _mentioned(entry, [each for each in entity.get("mention_ids") or () if each not in before])
        case "CommentReacted":
            author = entity.get("author_id")
            if author is not None and changed["reactions"]["after"] is not None:
                yield _about(entry, NotificationReason.REACTION, user_id=UUID(author), comment_id=entry.entity_id)
        case "ProjectMembersChanged":
            for added in changed["members"]["after"]:
                yield _about(entry, NotificationReason.ADDED_TO_PROJECT, user_id=UUID(added))
        case "InvitationChanged":
            if (made := changed["invitations"]["after"]) is not None:
                invitation = UUID(made["invitationId"])
                yield Proposal(reason=NotificationReason.INVITED, subject_type="Invitation", subject_id=invitation)
        case "DocumentVersionSaved":
            yield _about(entry, NotificationReason.DOCUMENT_CHANGED)
        case _:
            if changed.keys() & _TOLD_DOCUMENT_FIELDS:
                yield _about(entry, NotificationReason.DOCUMENT_CHANGED)


def _assigned(entry: Entry, assignee_id: str | None) -> Iterator[Proposal]:
    if assignee_id is not None:
        yield _about(entry, NotificationReason.ASSIGNED, user_id=UUID(assignee_id))


def _mentioned(entry: Entry, user_ids: Iterable[str]) -> Iterator[Proposal]:
    for each in user_ids:
        yield _about(entry, NotificationReason.MENTIONED, user_id=UUID(each), comment_id=entry.entity_id)


def _about(entry: Entry, reason: NotificationReason, *, user_id: UUID | None = None, comment_id: UUID | None = None) -> Proposal:
    return Proposal(
        reason=reason, subject_type=entry.about_type, subject_id=entry.about_id, user_id=user_id, comment_id=comment_id
    )
