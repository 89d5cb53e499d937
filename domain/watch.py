"""Watchers: who follows a subject, because they asked to or are involved. (`domain.subject` lets one ask.)"""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from domain.events import Entity
from domain.ports import UnitOfWork


class WatchStore(Protocol):
    """Stores watchers and the marks of having seen."""

    async def watch(self, subject_type: str, subject_id: UUID, user_ids: Sequence[UUID]) -> None: ...
    async def watchers(self, subject_id: UUID) -> Sequence[UUID]:
        """The watchers of a subject, in the order of their ids."""
        ...

    async def unwatch(self, subject_id: UUID, user_id: UUID) -> None: ...
    async def mark_seen(self, user_id: UUID, subject_id: UUID, stream: str, at: datetime) -> None:
        """Everything in the stream up to now is no news to the user, as far as the subject goes."""
        ...


async def start_watching(uow: UnitOfWork, subject: Entity, user_ids: Sequence[UUID | None]) -> None:
    """Make people watchers because of what they have to do with the subject."""
    known = sorted({user_id for user_id in user_ids if user_id is not None})
    if known:
        await uow.watches.watch(subject.type_name, subject.id, known)
