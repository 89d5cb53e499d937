"""A visitor who follows a document through the graph: what he hears waits, bounded, as events."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from domain.errors import DomainError, NotFound
from realtime.collaboration.access import Right
from realtime.collaboration.participant import News
from realtime.collaboration.presence import Presence
from realtime.collaboration.send_queue import Outbox
from realtime.collaboration.update_batch import Edits, Run

_SMALL = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Synced:
    """What the client is missing, as of a position, and what the server has."""

    type_name: ClassVar[str] = "DocumentSynced"

    position: int
    update: bytes
    state_vector: bytes
    presence: Sequence[Presence]


@dataclass(frozen=True, slots=True, kw_only=True)
class Edited:
    """Somebody's edits, up to a position."""

    type_name: ClassVar[str] = "DocumentEdited"

    position: int
    update: bytes
    session_id: str | None
    author_id: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PresenceChanged:
    """Everybody who is there now."""

    type_name: ClassVar[str] = "DocumentPresenceChanged"

    presence: Sequence[Presence] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionSaved:
    """A version was saved."""

    type_name: ClassVar[str] = "DocumentVersionSaved"

    version_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessChanged:
    """What the viewer may do has changed; `right` is None when he may not even read."""

    type_name: ClassVar[str] = "DocumentAccessChanged"

    document_id: UUID
    right: Right | None


Event = Synced | Edited | PresenceChanged | VersionSaved | AccessChanged


class Watcher:
    """A subscription's place in a room (`realtime.collaboration.participant.Visitor`)."""

    def __init__(self, document_id: UUID, user_id: UUID, at_most: Right) -> None:
        self.user_id = user_id
        self.right: Right | None = None
        self._document_id = document_id
        self._at_most = at_most
        self._outbox: Outbox[Event] = Outbox()
        self._told_of_peers = False

    def edited(self, edits: Edits) -> None:
        """The next edits."""
        for run in edits.runs:
            self._outbox.put(_edited(run), len(run.data) + _SMALL)

    def met(self, news: News) -> None:
        """Peers came, moved or left; told once, however often it happens before the client hears of it."""
        if not self._told_of_peers:
            self._told_of_peers = self._outbox.put(PresenceChanged(), _SMALL)

    def saved(self, version_id: UUID) -> None:
        """A version was saved."""
        self._outbox.put(VersionSaved(version_id=version_id), _SMALL)

    def allowed(self, right: Right) -> None:
        """What the role allows now."""
        before, self.right = self.right, min(right, self._at_most)
        if before is not self.right:
            self._outbox.put(AccessChanged(document_id=self._document_id, right=self.right), _SMALL)

    def leave(self, error: DomainError | None) -> None:
        """He can stay no longer: lost rights are told of, and nothing that came after."""
        if isinstance(error, NotFound):
            self._outbox.clear()
            self._outbox.put(AccessChanged(document_id=self._document_id, right=None), _SMALL)
            self._outbox.close()
        else:
            self._outbox.close(error)

    async def next(self) -> Event | None:
        """The next event; None at the end. Raises what ended it."""
        event = await self._outbox.take()
        if isinstance(event, PresenceChanged):
            self._told_of_peers = False
        return event


def _edited(run: Run) -> Edited:
    return Edited(position=run.position, update=run.data, session_id=run.session_id, author_id=run.author_id)
