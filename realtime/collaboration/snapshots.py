"""From where documents rest to a room's state: the newest snapshot, and the log's edits after it."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Final, Protocol
from uuid import UUID

from domain.document.update import LoggedUpdate
from domain.errors import CursorExpired, LimitExceeded, Unavailable
from realtime.collaboration.commit import UpdateLog as Appends
from realtime.collaboration.document_state import MAX_INLINE_BYTES, DocumentState

logger = logging.getLogger(__name__)

PAGE_UPDATES: Final = 500
_MAX_ATTEMPTS: Final = 4
_UPDATES_PER_YIELD: Final = 64


class DocumentLog(Appends, Protocol):
    """The documents' log."""

    async def read(self, document_id: UUID, after: int, limit: int, /) -> Sequence[LoggedUpdate]:
        """The updates after a position, a page of them; none at the end. Raises `CursorExpired`, `Unavailable`."""
        ...


class SnapshotStore(Protocol):
    """Where documents rest."""

    async def snapshot(self, document_id: UUID, /) -> tuple[bytes, int] | None:
        """A state of the document and its position, after which the log goes on; None when there is none yet. Raises
        `Unavailable`."""
        ...

    async def split_update(self, update: bytes, max_unanchored: int, /, *, stored: bool = False) -> list[bytes]:
        """A large update as small ones, of so many unanchored structs each (`content.split_update`). Raises InvalidUpdate, UpdateTooLarge
        …"""
        ...

    async def compact(self, document_id: UUID, /) -> bool:
        """The document is quiet, or was left: save a version if it is time for one, and shorten its log; whether one was
        saved."""
        ...


async def load(snapshots: SnapshotStore, log: DocumentLog, document_id: UUID) -> DocumentState:
    """The document as the log has it now. Raises `Unavailable`."""
    for _ in range(_MAX_ATTEMPTS):
        snapshot, position = await snapshots.snapshot(document_id) or (b"", 0)
        state = DocumentState()
        if snapshot:
            await _apply_stored(snapshots, state, snapshot)
        try:
            while page := await log.read(document_id, position, PAGE_UPDATES):
                for count, update in enumerate(page):
                    await _apply_stored(snapshots, state, update.data)
                    if count % _UPDATES_PER_YIELD == 0:
                        await asyncio.sleep(0)
                position = page[-1].position
        except CursorExpired:
            # Trimmed behind a newer snapshot, since this one was read.
            logger.info("The log of %s begins after %d; loading anew.", document_id, position)
            continue
        return state
    raise Unavailable("The document cannot be loaded now; try again.")


async def _apply_stored(snapshots: SnapshotStore, state: DocumentState, data: bytes) -> None:
    """A large update is parted elsewhere, and others are seen to between its parts."""
    if len(data) <= MAX_INLINE_BYTES:
        state.apply_stored(data)
        return
    try:
        pieces = await snapshots.split_update(data, state.max_unanchored, stored=True)
    except LimitExceeded:
        logger.warning("An update of %d bytes could not be parted.", len(data))
        pieces = [data]
    for piece in pieces:
        state.apply_stored(piece)
        await asyncio.sleep(0)
