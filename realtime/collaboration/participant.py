"""Who is in a room, as the room sees him: what he is handed, none of which may wait."""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from domain.errors import DomainError
from realtime.collaboration import messages
from realtime.collaboration.access import Right
from realtime.collaboration.messages import Peer
from realtime.collaboration.update_batch import Edits


class News:
    """Peers that came, moved or left, encoded once for everybody."""

    def __init__(self, peers: Sequence[Peer]) -> None:
        self.peers = peers
        self._frames: dict[bytes, bytes] = {}

    def frame(self, prefix: bytes) -> bytes:
        """The news as a websocket message, behind a prefix."""
        found = self._frames.get(prefix)
        if found is None:
            found = self._frames[prefix] = prefix + messages.awareness(messages.awareness_update(self.peers))
        return found


class Visitor(Protocol):
    """A document open on a connection, or a subscription."""

    user_id: UUID
    right: Right | None
    """None until he was let in."""

    def edited(self, edits: Edits) -> None:
        """The next edits, in order."""

    def met(self, news: News) -> None:
        """Peers came, moved or left."""

    def saved(self, version_id: UUID) -> None:
        """A version of the document was saved."""

    def allowed(self, right: Right) -> None:
        """What his role allows now; what his token lends may be less."""

    def leave(self, error: DomainError | None) -> None:
        """He can stay no longer; None: the server is going away."""
