"""What the rules of notifications need of a store."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from domain.notification.entity import Notification, NotificationReason
from domain.notification.proposal import Proposal


class NotificationStore(Protocol):
    """Stores notifications."""

    async def recipients(self, proposals: Sequence[Proposal]) -> Sequence[Sequence[UUID]]:
        """For each proposal the people whom it means, can sign in, are no bots, and may see the subject now."""
        ...

    async def get(self, notification_id: UUID) -> Notification | None:
        """A notification, whoever has it and whatever they may see."""
        ...

    async def find(
        self, user_ids: Sequence[UUID], actor_id: UUID | None, reason: NotificationReason, at: datetime
    ) -> Sequence[Notification]:
        """The notifications of these people that an actor's change of one instant made, for a reason."""
        ...

    async def add(self, notifications: Sequence[Notification]) -> Sequence[Notification]:
        """Store new ones; those of them that were not there before."""
        ...

    async def save_events(self, notification: Notification) -> None:
        """Store for which events it stands."""
        ...

    async def lock(
        self, user_id: UUID, *, ids: Sequence[UUID] | None = None, group_key: str | None = None, limit: int
    ) -> Sequence[Notification]:
        """A person's notifications that they may see, the newest first: those with an id, of a group, or all in the inbox."""
        ...

    async def save_marks(self, notifications: Sequence[Notification]) -> None:
        """Store when they were read and archived, and until when they are snoozed."""
        ...

    async def delete_all(self, user_id: UUID) -> None:
        """Delete all notifications of a person."""
        ...
