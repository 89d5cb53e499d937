"""What a room needs of its process, as the room sees it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

from domain.document.update import LoggedUpdate
from realtime.collaboration.document_state import State
from transport.write_batch import Burst

if TYPE_CHECKING:
    from realtime.collaboration.room import Room


class Outside(Protocol):
    """What a room needs of its process."""

    burst: Burst
    """In which what a room tells is written."""

    def submit(self, room: "Room", /) -> None:
        """There is something to commit."""

    async def parted(self, update: bytes, loose: int, /) -> list[bytes]:
        """A large update as small ones (`content.pieces`). Raises InvalidUpdate, UpdateTooLarge, TooIntricate, Overloaded."""

    async def load(self, document_id: UUID, /) -> State:
        """The document as the log has it now. Raises `Unavailable`."""

    def announce(self, room: "Room", updates: Sequence[LoggedUpdate], /) -> None:
        """These were committed here."""

    def urge(self, stream: str, position: int, /) -> None:
        """The log has come this far, and the room has not heard of it."""
