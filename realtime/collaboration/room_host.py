"""What a room needs of its process, as the room sees it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

from domain.document.update import LoggedUpdate
from realtime.collaboration.document_state import DocumentState
from transport.write_batch import WriteBatch

if TYPE_CHECKING:
    from realtime.collaboration.room import Room


class RoomHost(Protocol):
    """What a room needs of its process."""

    write_batch: WriteBatch
    """In which what a room tells is written."""

    def submit(self, room: "Room", /) -> None:
        """There is something to commit."""

    async def split_update(self, update: bytes, max_unanchored: int, /) -> list[bytes]:
        """A large update as small ones (`content.split_update`). Raises InvalidUpdate, UpdateTooLarge, TooExpensive, Overloaded."""

    async def load(self, document_id: UUID, /) -> DocumentState:
        """The document as the log has it now. Raises `Unavailable`."""

    def announce(self, room: "Room", updates: Sequence[LoggedUpdate], /) -> None:
        """These were committed here."""

    def notify_head(self, stream: str, position: int, /) -> None:
        """The log has come this far, and the room has not heard of it."""
