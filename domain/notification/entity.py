"""A notification: that something happened which concerns one person."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Final
from uuid import UUID


class NotificationReason(StrEnum):
    """Why a person is notified. Where several apply to one event, the first of these counts."""

    MENTIONED = "MENTIONED"
    ASSIGNED = "ASSIGNED"
    REACTION = "REACTION"
    INVITED = "INVITED"
    ADDED_TO_PROJECT = "ADDED_TO_PROJECT"
    DUE_SOON = "DUE_SOON"
    OVERDUE = "OVERDUE"
    COMMENTED = "COMMENTED"
    STATUS_CHANGED = "STATUS_CHANGED"
    TASK_CHANGED = "TASK_CHANGED"
    DOCUMENT_CHANGED = "DOCUMENT_CHANGED"
    WEBHOOK_PAUSED = "WEBHOOK_PAUSED"
    JOB_FINISHED = "JOB_FINISHED"


MAX_EVENTS: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """
    A message to one person about an event, or about those of one bulk change: `event_ids`, in their order, the first
    `MAX_EVENTS` of them.

    `subject_type` and `subject_id`: what it is about, of the first event: a Task, a Document, a Project, an Invitation, a
    Webhook or a Job. It holds no content: names and texts are read when it is shown, with the rights of then. `actor_id` is None
    for the server itself. `in_app`: whether it stands in the inbox, or is only sent.
    """

    type_name: ClassVar[str] = "Notification"

    id: UUID
    user_id: UUID
    reason: NotificationReason
    event_ids: tuple[UUID, ...]
    actor_id: UUID | None
    subject_type: str
    subject_id: UUID
    comment_id: UUID | None = None
    group_key: str
    created_at: datetime
    read_at: datetime | None = None
    archived_at: datetime | None = None
    snoozed_until: datetime | None = None
    version: int = 1
    in_app: bool = True

    @property
    def event_count(self) -> int:
        """How many events it stands for, of which no more than `MAX_EVENTS` are counted."""
        return len(self.event_ids)
