"""A room's document as the CRDT that it is: judges what comes in, and tells what somebody is missing.

Every update is applied here before it is logged, since only the document can say whether it applies, and one that does not may
never reach the log. It costs 25 µs for a typed character, and says besides what was new in it: a client that comes back sends all
deletions that it knows of, and what changes nothing is not logged. So the document may be ahead of the log by what is being
committed. When that fails, or an update breaks off half-way, the room throws the state away and loads it anew.

Rejected: a scratch copy for every update (as dear as loading the document); applying after the commit (what is refused then is
logged).
"""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from typing import Any, Final

from content import crdt, guard
from content.errors import InvalidUpdate, UpdatePending, UpdateTooLarge
from content.split_update import is_unanchored
from content.structs import Update as Said
from content.structs import state_vector
from content.structure_check import StructureCheck
from domain.errors import DomainError

logger = logging.getLogger(__name__)

_MAX_STORED_BYTES: Final = 2 * guard.DOCUMENT_BYTES  # what is stored already must always load
MAX_INLINE_BYTES: Final = 16 * 1024  # bytes of an update that is applied without being parted
MAX_YJS_STEPS: Final = 500_000  # of Yjs, at 50 ns
MAX_MERGED_UPDATES: Final = 64
MAX_MERGED_BYTES: Final = 256 * 1024


class NeedsSplitting(Exception):
    """The update is to be applied in pieces."""


class DocumentState:
    """One document in memory."""

    def __init__(self) -> None:
        self._document = crdt.Doc()
        self._nesting = StructureCheck()
        self._clocks: dict[int, int] = {}
        self._byte_size = 0
        self._struct_count = 0
        self._effect: list[bytes] = []  # at most one: what the transaction changed
        self._subscription = self._document.observe(self._on_update)
        self.is_broken = False

    def apply_stored(self, data: bytes) -> None:
        """
        Apply what the log or a snapshot holds, which was judged when it came.

        What cannot be applied all the same is left out, and logged: a document that can't be opened would be worse.
        """
        try:
            self._apply(guard.read(data, limit=_MAX_STORED_BYTES), data, is_stored=True)
        except DomainError:
            logger.exception("An update of %d bytes that was kept cannot be applied.", len(data))

    def apply_client_update(self, data: bytes, *, is_split: bool = False) -> tuple[bytes, tuple[int, ...]]:
        """
        Apply what a client sent: what was new in it (empty when nothing), and the Yjs clients that it adds clocks for.

        Raises InvalidUpdate, UpdateTooLarge, or UpdatePending when it builds on what is not here; nothing has changed then,
        unless the state says that it is broken. Raises TooMuchAtOnce where it may take long, unless it was `parted` already.
        """
        said = guard.read(data)
        if said.is_empty:
            return b"", ()
        if not is_split and self._is_expensive(said):
            raise NeedsSplitting
        if guard.missing(said, self._clocks):
            raise UpdatePending
        self.require_capacity(len(data))
        effect = self._apply(said, data)
        return effect, tuple(said.adds) if effect else ()

    @property
    def max_unanchored(self) -> int:
        """How many loose structs may be applied at once: Yjs may walk over the whole document for each (`content.split_update`)."""
        return max(1, MAX_YJS_STEPS // max(self._struct_count, 1))

    def _is_expensive(self, parsed: Said) -> bool:
        structs = parsed.structs
        return len(structs) > self.max_unanchored and sum(map(is_unanchored, structs)) > self.max_unanchored

    def update_since(self, vector: bytes) -> bytes:
        """What somebody with this state vector (empty: nothing at all) is missing. Raises InvalidUpdate."""
        return crdt.difference(self._document, vector or b"\x00")

    def contains(self, data: bytes) -> bool:
        """Whether an update adds nothing, as far as its clocks tell. Raises InvalidUpdate, UpdateTooLarge."""
        return all(end <= self._clocks.get(client, 0) for client, (_, end) in guard.read(data).adds.items())

    @property
    def state_vector(self) -> bytes:
        """The state vector, encoded."""
        return crdt.state_vector(self._document)

    @property
    def document(self) -> crdt.Doc:
        """The document itself, to be read."""
        return self._document

    def _apply(self, parsed: Said, data: bytes, *, is_stored: bool = False) -> bytes:
        self._nesting.admit(parsed, stored=is_stored)
        self._effect.clear()
        try:
            self._document.apply_update(data)
        except BaseException as error:
            self.is_broken = True
            # A panic in yrs is no Exception.
            if not isinstance(error, asyncio.CancelledError | KeyboardInterrupt | SystemExit):
                raise InvalidUpdate("The update does not apply to the document.") from error
            raise
        for client, (_, end) in parsed.adds.items():
            if end > self._clocks.get(client, 0):
                self._clocks[client] = end
        self._struct_count += len(parsed.structs)
        effect = b"".join(self._effect)
        self._byte_size += len(effect)
        return effect

    def _on_update(self, event: Any) -> None:
        self._effect.append(event.update)

    def require_capacity(self, size: int) -> None:
        """The sum of what was applied is an upper bound, and looked at more closely only when it is too much."""
        if self._byte_size + size <= guard.DOCUMENT_BYTES:
            return
        self._byte_size = len(self._document.get_update())
        if self._byte_size + size > guard.DOCUMENT_BYTES:
            limit = guard.DOCUMENT_BYTES
            raise UpdateTooLarge(f"A document has at most {limit} bytes.", limit)


def merge_updates(updates: Sequence[bytes]) -> list[bytes]:
    """The same edits in fewer updates, in order; of a size that a client takes in one message, and that is quick to merge."""
    if len(updates) == 1:
        return [updates[0]]
    return [crdt.merge(some) for some in _chunks(updates)]


def _chunks(updates: Iterable[bytes]) -> list[list[bytes]]:
    chunks: list[list[bytes]] = []
    size = 0
    for update in updates:
        if not chunks or len(chunks[-1]) == MAX_MERGED_UPDATES or size + len(update) > MAX_MERGED_BYTES:
            chunks.append([])
            size = 0
        chunks[-1].append(update)
        size += len(update)
    return chunks


__all__ = ["DocumentState", "InvalidUpdate", "UpdatePending", "UpdateTooLarge", "merge_updates", "state_vector"]
