"""A room's document as a CRDT: validates and applies what comes in, and computes what a client is missing.

Every update is applied here before it is logged, since only the document can say whether it applies, and one that does not may
never reach the log. It costs 25 µs for a typed character, and shows what was new in it: a client that reconnects sends all
deletions that it knows of, and what changes nothing is not logged. So the document may be ahead of the log by what is being
committed. When that fails, or an update fails half-way, the room discards the state and loads it anew.

Rejected: a scratch copy for every update (as expensive as loading the document); applying after the commit (what is refused then
is logged).
"""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from time import monotonic
from typing import Any, Final

from content import crdt, guard
from content.errors import InvalidUpdate, UpdatePending, UpdateTooLarge
from content.split_update import MAX_PIECE_RANGES, is_unanchored
from content.structs import FORMAT, TYPE, XML_ELEMENT, Struct, Update, decode_state_vector
from content.structure_check import StructureCheck
from domain.errors import DomainError

logger = logging.getLogger(__name__)

_MAX_STORED_BYTES: Final = 2 * guard.MAX_DOCUMENT_BYTES  # what is stored already must always load
MAX_INLINE_BYTES: Final = 16 * 1024  # of an update that is applied without being split
MAX_YJS_STEPS: Final = 500_000  # of Yjs, at 50 ns
_MAX_INLINE_SECONDS: Final = 0.02  # of work on an update that is applied without being split
MAX_MERGED_UPDATES: Final = 64
MAX_MERGED_BYTES: Final = 256 * 1024
_MEASURE_SECONDS: Final = 5.0  # at least, between two measurements of a full document
_MAX_NAMES: Final = 256
_MAX_NAME_CHARS: Final = 100


class NeedsSplitting(Exception):
    """The update must be applied in pieces."""


class DocumentState:
    """One document in memory."""

    def __init__(self) -> None:
        self._document = crdt.Doc()
        self._structure = StructureCheck()
        self._clocks: dict[int, int] = {}
        self._byte_size = 0
        self._measured_at: float | None = None
        self._struct_count = 0
        self._effect: list[bytes] = []  # at most one: what the transaction changed
        self._subscription = self._document.observe(self._on_update)
        self.names: set[str] = set()
        """The nodes and marks that were ever in the document since it was loaded, at most `_MAX_NAMES`."""
        self.is_broken = False

    def apply_stored(self, data: bytes) -> None:
        """
        Apply what the log or a snapshot holds, which was validated when it came.

        What cannot be applied all the same is left out, and logged: a document that cannot be opened would be worse.
        """
        try:
            self._apply(guard.read(data, limit=_MAX_STORED_BYTES), data, is_stored=True)
        except DomainError:
            logger.exception("A stored update of %d bytes cannot be applied.", len(data))

    def apply_client_update(self, data: bytes, *, is_split: bool = False) -> tuple[bytes, tuple[int, ...]]:
        """
        Apply what a client sent: what was new in it (empty when nothing), and the Yjs clients that it adds clocks for.

        Raises InvalidUpdate, UpdateTooLarge, or UpdatePending when it builds on what is not here; nothing has changed then,
        unless the state says that it is broken. Raises NeedsSplitting where it may take long, unless it was split already.
        """
        update = guard.read(data)
        if update.is_empty:
            return b"", ()
        if not is_split and self._is_expensive(update):
            raise NeedsSplitting
        if guard.builds_on_missing(update, self._clocks):
            raise UpdatePending
        if not is_split:
            self.require_capacity(len(data))
        effect = self._apply(update, data)
        return effect, tuple(update.adds) if effect else ()

    @property
    def max_unanchored(self) -> int:
        """How many unanchored structs may be applied at once: Yjs may walk over the whole document for each
        (`content.split_update`)."""
        return max(1, MAX_YJS_STEPS // max(self._struct_count, 1))

    @property
    def byte_size(self) -> int:
        """An upper bound of the bytes of the document."""
        return self._byte_size

    def _is_expensive(self, update: Update) -> bool:
        structs = update.structs
        if len(update.deletes) > MAX_PIECE_RANGES and self._structure.require_affordable(update) > _MAX_INLINE_SECONDS:
            return True
        return len(structs) > self.max_unanchored and sum(map(is_unanchored, structs)) > self.max_unanchored

    def estimate_seconds(self, data: bytes) -> float:
        """CPU seconds, at most, that applying an update takes (`content.update_cost`). Raises InvalidUpdate, TooExpensive."""
        return self._structure.require_affordable(guard.read(data))

    def missing_clocks(self, vector: bytes) -> int:
        """How many clocks a client with this state vector (empty: nothing at all) is missing. Raises InvalidUpdate."""
        theirs = decode_state_vector(vector or b"\x00")
        return sum(max(0, clock - theirs.get(client, 0)) for client, clock in self._clocks.items())

    def update_since(self, vector: bytes) -> bytes:
        """What a client with this state vector (empty: nothing at all) is missing. Raises InvalidUpdate."""
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

    def _apply(self, update: Update, data: bytes, *, is_stored: bool = False) -> bytes:
        self._structure.admit(update, stored=is_stored)
        self._effect.clear()
        try:
            self._document.apply_update(data)
        except BaseException as error:
            self.is_broken = True
            # A panic in yrs is no Exception.
            if not isinstance(error, asyncio.CancelledError | KeyboardInterrupt | SystemExit):
                raise InvalidUpdate("The update does not apply to the document.") from error
            raise
        for client, (_, end) in update.adds.items():
            if end > self._clocks.get(client, 0):
                self._clocks[client] = end
        self._struct_count += len(update.structs)
        for struct in update.structs:
            if struct.kind == TYPE or struct.kind == FORMAT:
                self._note_name(struct)
        effect = b"".join(self._effect)
        self._byte_size += len(effect)
        return effect

    def needs_measuring(self, size: int) -> bool:
        """
        Whether so many bytes more may be too much, and the document is to be measured.

        The sum of what was applied is an upper bound. Encoding 16 MiB to know better takes 20-80 ms: that is for a worker, and
        not for every keystroke in a full document.
        """
        is_due = self._measured_at is None or monotonic() >= self._measured_at + _MEASURE_SECONDS
        return is_due and self._byte_size + size > guard.MAX_DOCUMENT_BYTES

    def set_measured(self, byte_size: int) -> None:
        """The bytes of the document, at most."""
        self._byte_size = byte_size
        self._measured_at = monotonic()

    def _note_name(self, struct: Struct) -> None:
        name = name_of(struct)
        if name is not None and name not in self.names and len(self.names) < _MAX_NAMES:
            self.names.add(name[:_MAX_NAME_CHARS])

    def _on_update(self, event: Any) -> None:
        self._effect.append(event.update)

    def require_capacity(self, size: int) -> None:
        """Raise UpdateTooLarge where the document would become too large, as far as it is known (`needs_measuring`)."""
        if self._byte_size + size > guard.MAX_DOCUMENT_BYTES:
            limit = guard.MAX_DOCUMENT_BYTES
            raise UpdateTooLarge(f"A document has at most {limit} bytes.", limit)


def name_of(struct: Struct) -> str | None:
    """The name of the node or mark that a struct brings; y-prosemirror writes overlapping marks as `name--hash`."""
    content = struct.content
    if struct.kind == TYPE:
        return content[1] if isinstance(content, tuple) and content[0] == XML_ELEMENT else None
    return content.partition("--")[0] if struct.kind == FORMAT and isinstance(content, str) else None


def merge_updates(updates: Sequence[bytes]) -> list[bytes]:
    """The same edits in fewer updates, in order; of a size that a client takes in one message, and that is quick to merge."""
    if len(updates) == 1:
        return [updates[0]]
    return [crdt.merge(chunk) for chunk in _chunks(updates)]


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


__all__ = ["DocumentState", "InvalidUpdate", "UpdatePending", "UpdateTooLarge", "merge_updates", "name_of"]
