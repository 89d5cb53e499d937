"""From where documents rest to a room's state: the newest snapshot, and the log's edits after it."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Final, Protocol
from uuid import UUID

from domain.document.update import LoggedUpdate
from domain.errors import CursorExpired, LimitExceeded, Unavailable
from realtime.collaboration.commit import Log as Appends
from realtime.collaboration.document_state import AT_ONCE, State

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
        """A state of the document and its position, after which the log goes on; None when there is none yet. Raises
        `Unavailable`."""
        ...

    async def split_update(self, update: bytes, max_unanchored: int, /, *, stored: bool = False) -> list[bytes]:
        """A large update as small ones, of so many loose structs each (`content.pieces`). Raises InvalidUpdate, UpdateTooLarge
        …"""
        ...

    async def compact(self, document_id: UUID, /) -> bool:
        """The document is quiet, or was left: save a version if it is time for one, and shorten its log; whether one was
        saved."""
        ...


async def load(archive: Archive, log: Log, document_id: UUID) -> State:
    """The document as the log has it now. Raises `Unavailable`."""
    for _ in range(_TIMES):
        snapshot, position = await archive.snapshot(document_id) or (b"", 0)
        state = State()
        if snapshot:
            await _absorb(archive, state, snapshot)
        try:
            while page := await log.read(document_id, position, PAGE):
                for count, update in enumerate(page):
                    await _absorb(archive, state, update.data)
                    if count % _BREATH == 0:
                        await asyncio.sleep(0)
                position = page[-1].position
        except CursorExpired:
            # Trimmed behind a newer snapshot, since this one was read.
            logger.info("The log of %s begins after %d; loading anew.", document_id, position)
            continue
        return state
    raise Unavailable("The document cannot be loaded now; try again.")


async def _absorb(archive: Archive, state: State, data: bytes) -> None:
    """A large update is parted elsewhere, and others are seen to between its parts."""
    if len(data) <= AT_ONCE:
        state.absorb(data)
        return
    try:
        pieces = await archive.split_update(data, state.loose_at_once, stored=True)
    except LimitExceeded:
        logger.warning("An update of %d bytes could not be parted.", len(data))
        pieces = [data]
    for piece in pieces:
        state.absorb(piece)
        await asyncio.sleep(0)
