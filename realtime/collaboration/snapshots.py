"""Loads a room's state from where documents are stored: the newest snapshot, and the log's edits after it."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Final, Protocol
from uuid import UUID

from domain.document.update import LoggedUpdate
from domain.errors import CursorExpired, LimitExceeded, Unavailable
from realtime.collaboration.commit import UpdateLog as AppendLog
from realtime.collaboration.document_state import MAX_INLINE_BYTES, DocumentState

logger = logging.getLogger(__name__)

PAGE_UPDATES: Final = 500
_MAX_ATTEMPTS: Final = 4
_UPDATES_PER_YIELD: Final = 64


class DocumentLog(AppendLog, Protocol):
    """The logs of documents."""

    async def read(self, document_id: UUID, after: int, limit: int, /) -> Sequence[LoggedUpdate]:
        """A page of the updates after a position, empty at the end. Raises `CursorExpired`, `Unavailable`."""
        ...


class SnapshotSource(Protocol):
    """Reads stored states of documents."""

    async def newest_snapshot(self, document_id: UUID, /) -> tuple[bytes, int] | None:
        """A state of the document and its position, after which the log goes on; None where there is none. Raises
        `Unavailable`."""
        ...


class DifferenceSource(Protocol):
    """Computes differences of large documents off the event loop."""

    async def difference(self, document_id: UUID, vector: bytes, /, *, owner: UUID | None = None) -> bytes:
        """What a client with this state vector is missing of what is durable now. Raises InvalidUpdate, Overloaded,
        `Unavailable`."""
        ...


class UpdateSplitter(Protocol):
    """Splits large updates off the event loop."""

    async def split_update(
        self, update: bytes, max_unanchored: int, /, *, stored: bool = False, owner: UUID | None = None
    ) -> list[bytes]:
        """
        A large update as small ones, with at most so many unanchored structs each (`content.split_update`).

        `owner` is whose share of the workers is used. Raises InvalidUpdate, UpdateTooLarge, TooExpensive, Overloaded.
        """
        ...


class Compactor(Protocol):
    """Compacts documents that nobody edits."""

    async def try_compact(self, document_id: UUID, /) -> bool:
        """Save a version if one is due, and trim the log; whether one was saved. Raises nothing."""
        ...


async def load(snapshots: SnapshotSource, log: DocumentLog, splitter: UpdateSplitter, document_id: UUID) -> DocumentState:
    """The document as the log has it now. Raises `Unavailable`."""
    for _ in range(_MAX_ATTEMPTS):
        snapshot, position = await snapshots.newest_snapshot(document_id) or (b"", 0)
        state = DocumentState()
        if snapshot:
            await _apply_stored(splitter, state, snapshot, document_id)
        try:
            while page := await log.read(document_id, position, PAGE_UPDATES):
                for count, update in enumerate(page):
                    await _apply_stored(splitter, state, update.data, document_id)
                    if count % _UPDATES_PER_YIELD == 0:
                        await asyncio.sleep(0)
                position = page[-1].position
        except CursorExpired:
            # Trimmed behind a newer snapshot, since this one was read.
            logger.info("The log of %s begins after %d; loading anew.", document_id, position)
            continue
        return state
    raise Unavailable("The document cannot be loaded now; try again.")


async def _apply_stored(splitter: UpdateSplitter, state: DocumentState, data: bytes, document_id: UUID) -> None:
    """Apply an update; a large one is split elsewhere, and others have their turn between its pieces."""
    if len(data) <= MAX_INLINE_BYTES:
        state.apply_stored(data)
        return
    try:
        pieces = await splitter.split_update(data, state.max_unanchored, stored=True, owner=document_id)
    except LimitExceeded:
        logger.warning("An update of %d bytes could not be split.", len(data))
        pieces = [data]
    for piece in pieces:
        state.apply_stored(piece)
        await asyncio.sleep(0)
