"""Who is in a room, as the room sees him: what he is handed, none of which may wait."""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from domain.errors import DomainError
from realtime.collaboration import messages
from realtime.collaboration.access import DocumentRight
from realtime.collaboration.messages import AwarenessState
from realtime.collaboration.update_batch import UpdateBatch


class AwarenessUpdate:
    """Peers that came, moved or left, encoded once for everybody."""

    def __init__(self, states: Sequence[AwarenessState]) -> None:
        self.states = states
        self._frames: dict[bytes, bytes] = {}

    def frame(self, prefix: bytes) -> bytes:
        """The news as a websocket message, behind a prefix."""
        found = self._frames.get(prefix)
        if found is None:
            found = self._frames[prefix] = prefix + messages.awareness_message(messages.encode_awareness(self.states))
        return found


class Participant(Protocol):
    """A document open on a connection, or a subscription."""

    user_id: UUID
    right: DocumentRight | None
    """None until he was let in."""

    def on_updates(self, updates: UpdateBatch) -> None:
        """The next edits, in order."""

    def on_awareness(self, update: AwarenessUpdate) -> None:
        """Peers came, moved or left."""

    def on_version_saved(self, version_id: UUID) -> None:
        """A version of the document was saved."""

    def on_access_changed(self, right: DocumentRight) -> None:
        """What his role allows now; what his token lends may be less."""

    def on_removed(self, error: DomainError | None) -> None:
        """He can stay no longer; None: the server is going away."""
