"""Whoever is in a room, as the room sees them: what they are sent. Nothing here may wait."""

from typing import Protocol
from uuid import UUID

from domain.errors import DomainError
from realtime.collaboration import messages
from realtime.collaboration.access import DocumentRight
from realtime.collaboration.update_batch import UpdateBatch


class AwarenessUpdate:
    """Awareness that changed; it is framed once for everybody."""

    def __init__(self, update: bytes) -> None:
        self._update = update
        self._frames: dict[bytes, bytes] = {}

    @property
    def size(self) -> int:
        """The bytes of the update."""
        return len(self._update)

    def frame(self, prefix: bytes) -> bytes:
        """The update as a websocket message, behind a prefix."""
        found = self._frames.get(prefix)
        if found is None:
            found = self._frames[prefix] = prefix + messages.awareness_message(self._update)
        return found


class Participant(Protocol):
    """A document open on a connection, or a subscription."""

    user_id: UUID
    right: DocumentRight | None
    """None until they were let in."""

    def on_updates(self, updates: UpdateBatch) -> None:
        """The next edits, in order."""

    def on_awareness(self, update: AwarenessUpdate) -> None:
        """Somebody came, moved or left."""

    def on_version_saved(self, version_id: UUID) -> None:
        """A version of the document was saved."""

    def on_access_changed(self, right: DocumentRight) -> None:
        """What the person's role allows now; their token may lend less."""

    def on_content_changed(self, *, is_own: bool = False) -> None:
        """The nodes and marks that the document holds changed; `is_own`: by an edit of this participant."""

    def on_removed(self, error: DomainError | None) -> None:
        """The participant may stay no longer; None: the server is going away."""
