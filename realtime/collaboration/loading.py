"""From where documents rest to a room's state: the newest snapshot, and the log's edits after it."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Final, Protocol
from uuid import UUID

from domain.document.update import LoggedUpdate
from domain.errors import CursorExpired, Unavailable
from realtime.collaboration.commit import Log as Appends
from realtime.collaboration.state import State

logger = logging.getLogger(__name__)

PAGE: Final = 500
_TIMES: Final = 4
_BREATH: Final = 64


class Log(Appends, Protocol):
    """The documents' log."""

    async def read(self, document_id: UUID, after: int, limit: int, /) -> Sequence[LoggedUpdate]:
        """The updates after a position, a page of them; none at the end. Raises `CursorExpired`, `Unavailable`."""
        ...


class Archive(Protocol):
    """Where documents rest."""

    async def snapshot(self, document_id: UUID, /) -> tuple[bytes, int] | None:
        """A state of the document and its position, after which the log goes on; None when there is none yet. Raises `Unavailable`."""
        ...

    async def settle(self, document_id: UUID, /) -> bool:
        """The document is quiet, or was left: save a version if it is time for one, and shorten its log; whether one was saved."""
        ...


async def load(archive: Archive, log: Log, document_id: UUID) -> State:
    """The document as the log has it now. Raises `Unavailable`."""
    for _ in range(_TIMES):
        snapshot, position = await archive.snapshot(document_id) or (b"", 0)
        state = State()
        if snapshot:
            state.absorb(snapshot)
        try:
            while page := await log.read(document_id, position, PAGE):
                for count, update in enumerate(page):
                    state.absorb(update.data)
                    if count % _BREATH == 0:
                        await asyncio.sleep(0)
                position = page[-1].position
        except CursorExpired:
            # Trimmed behind a newer snapshot, since this one was read.
            logger.info("The log of %s begins after %d; loading anew.", document_id, position)
            continue
        return state
    raise Unavailable("The document cannot be loaded now; try again.")
