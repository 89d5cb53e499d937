"""A participant that follows a document through the graph; its events wait in a bounded queue."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from domain.errors import DomainError, NotFound
from realtime.collaboration.access import DocumentRight
from realtime.collaboration.participant import AwarenessUpdate
from realtime.collaboration.presence import Presence
from realtime.collaboration.send_queue import BoundedQueue
from realtime.collaboration.update_batch import AuthorRun, UpdateBatch

_EVENT_OVERHEAD_BYTES = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Synced:
    """What the client is missing as of a position, and what the server has."""

    type_name: ClassVar[str] = "DocumentSynced"

    position: int
    update: bytes
    state_vector: bytes
    presence: Sequence[Presence]


@dataclass(frozen=True, slots=True, kw_only=True)
class Edited:
    """Edits up to a position."""

    type_name: ClassVar[str] = "DocumentEdited"

    position: int
    update: bytes
    session_id: str | None
    author_id: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PresenceChanged:
    """Everybody who is there now; filled in when the event is delivered."""

    type_name: ClassVar[str] = "DocumentPresenceChanged"

    presence: Sequence[Presence] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionSaved:
    """A version was saved."""

    type_name: ClassVar[str] = "DocumentVersionSaved"

    version_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessChanged:
    """What the viewer may do has changed; `right` is None when they may not even read."""

    type_name: ClassVar[str] = "DocumentAccessChanged"

    document_id: UUID
    right: DocumentRight | None


Event = Synced | Edited | PresenceChanged | VersionSaved | AccessChanged


class GraphSubscriber:
    """A subscription in a room (`realtime.collaboration.participant.Participant`)."""

    def __init__(self, document_id: UUID, user_id: UUID, max_right: DocumentRight) -> None:
        self.user_id = user_id
        self.right: DocumentRight | None = None
        self._document_id = document_id
        self._max_right = max_right
        self._events: BoundedQueue[Event] = BoundedQueue()
        self._has_queued_presence = False

    def on_updates(self, updates: UpdateBatch) -> None:
        """The next edits."""
        for run in updates.runs_by_author:
            self._events.put(_to_edited(run), len(run.data) + _EVENT_OVERHEAD_BYTES)

    def on_awareness(self, update: AwarenessUpdate) -> None:
        """Somebody came, moved or left: one event, however often it happens before the client takes it."""
        if not self._has_queued_presence:
            self._has_queued_presence = self._events.put(PresenceChanged(), _EVENT_OVERHEAD_BYTES)

    def on_version_saved(self, version_id: UUID) -> None:
        """A version was saved."""
        self._events.put(VersionSaved(version_id=version_id), _EVENT_OVERHEAD_BYTES)

    def on_access_changed(self, right: DocumentRight) -> None:
        """What the person's role allows now."""
        before, self.right = self.right, min(right, self._max_right)
        if before is not self.right:
            self._events.put(AccessChanged(document_id=self._document_id, right=self.right), _EVENT_OVERHEAD_BYTES)

    def on_content_changed(self, *, is_own: bool = False) -> None:
        """Nodes and marks are in the edits themselves."""

    def on_removed(self, error: DomainError | None) -> None:
        """The viewer may stay no longer: lost rights are an event, and nothing that came after is delivered."""
        if isinstance(error, NotFound):
            self._events.clear()
            self._events.put(AccessChanged(document_id=self._document_id, right=None), _EVENT_OVERHEAD_BYTES)
            self._events.close()
        else:
            self._events.close(error)

    async def next(self) -> Event | None:
        """The next event; None at the end. Raises the error that ended the subscription."""
        event = await self._events.get()
        if isinstance(event, PresenceChanged):
            self._has_queued_presence = False
        return event


def _to_edited(run: AuthorRun) -> Edited:
    return Edited(position=run.position, update=run.data, session_id=run.session_id, author_id=run.author_id)
