"""Loads, reads and merges Yjs documents (pycrdt), noticing what pycrdt does not tell.

`Doc` remembers how far the updates that it was given reach. While its state vector stays short of that, edits are pending: pycrdt
keeps them aside and leaves them out of `get_update`, so `state` refuses rather than make a snapshot that loses them. An update
that fails while it is applied leaves its first structs behind; the document is then broken, and says so until it is loaded anew.

A log from before the guard knew of it may hold what is no block among blocks, at which pycrdt stops reading. `load` deletes that
in the copy that it makes, so that all that people see is read, edits count places as they do, and the next version is rid of it;
rooms, and with them the log, keep what they have. Rejected: to refuse such a document (nobody could read or restore it); to pass
over such children while reading (pycrdt panics when asked for one, and edits would count them).
"""

from collections.abc import Iterable, Mapping
from typing import Any

import pycrdt

from content.errors import InvalidUpdate, UpdatePending, UpdateTooLarge
from content.guard import DOCUMENT_BYTES, UPDATE_BYTES, check, missing, read
from content.structs import Update, deletion
from content.structs import state_vector as read_vector
from content.structure_check import StructureCheck, is_text

EMPTY = b"\x00\x00"
_LIMIT = 2 * DOCUMENT_BYTES  # what is stored already must always load


class Doc(pycrdt.Doc[Any]):
    """A Yjs document. Not shared between threads."""

    def __init__(self, *, client_id: int | None = None) -> None:
        super().__init__(client_id=client_id)
        self._nesting = StructureCheck()
        self._waiting: list[Update] = []
        self._broken = False

    def apply(self, update: bytes, *, stored: bool = False) -> Update:
        """Apply an update, and say what it said. What stands among blocks and is none is refused, or deleted here where it was
        `stored`.

        Raises InvalidUpdate, UpdateTooLarge: where the update was refused the document is as before, otherwise it is broken.
        """
        said = read(update, limit=_LIMIT)
        if said.is_empty:
            return said
        foreign = self._nesting.admit(said, stored=stored)
        if missing(said, self.vector()):
            self._waiting.append(said)
        try:
            self.apply_update(update)
            if foreign:
                self.apply_update(deletion(foreign))
        except (RuntimeError, ValueError, TypeError) as error:
            self._broken = True
            raise InvalidUpdate("The update does not apply to the document.") from error
        return said

    def vector(self) -> dict[int, int]:
        """Client → clock after the last."""
        return read_vector(self.get_state())

    @property
    def is_pending(self) -> bool:
        """Whether edits wait for others that have not come."""
        if self._waiting:
            vector = self.vector()
            self._waiting = [update for update in self._waiting if not _arrived(update, vector)]
        return bool(self._waiting)

    @property
    def is_broken(self) -> bool:
        """Whether an update failed half-way: load the document anew."""
        return self._broken


def load(snapshot: bytes | None, updates: Iterable[bytes] = (), *, client_id: int | None = None) -> Doc:
    """A document from its snapshot (None or empty: a new one) and the updates that came after. Raises InvalidUpdate,
    UpdateTooLarge."""
    document = Doc(client_id=client_id)
    if snapshot:
        document.apply(snapshot, stored=True)
    for update in updates:
        document.apply(update, stored=True)
    return document


def state(document: Doc) -> bytes:
    """The whole document as one update. Raises UpdatePending where it would leave something out, InvalidUpdate where it is
    broken."""
    if document.is_broken:
        raise InvalidUpdate("The document is broken by an update that failed half-way: load it anew.")
    if document.is_pending:
        raise UpdatePending
    return document.get_update()


def require_applicable(stored_state: bytes, update: bytes, *, limit: int = UPDATE_BYTES) -> Update:
    """What an update says that applies to a document of this state, tried on a scratch copy.

    Raises UpdatePending where edits are missing that it builds on, UpdateTooLarge where the result would be, and InvalidUpdate
    for all else.
    """
    said = check(update, limit=limit)
    scratch = load(stored_state)
    scratch.apply(update)
    if scratch.is_pending:
        raise UpdatePending
    if not reproduces(scratch):
        raise InvalidUpdate("The update would make the document read differently each time it is loaded.")
    if len(state(scratch)) > DOCUMENT_BYTES:
        raise UpdateTooLarge(f"A document has at most {DOCUMENT_BYTES} bytes.", DOCUMENT_BYTES)
    return said


def reproduces(document: Doc) -> bool:
    """Whether a fresh load of the document's state reads as the document does: to be asked before its log is cut.

    It may not where somebody forged an item whose right neighbour stands left of its left one: where such an item comes to stand
    depends on what was loaded before it, in yrs as in yjs. No editor writes one, and finding it needs the order of the whole
    document.
    """
    again = load(state(document))
    return again.vector() == document.vector() and _reading(again) == _reading(document)


def state_vector(document: Doc) -> bytes:
    """What the document has, encoded as yjs does."""
    return document.get_state()


def difference(document: Doc, vector: bytes) -> bytes:
    """What somebody with this state vector is missing; it carries all deletions, as Yjs can't tell which are known.

    Raises InvalidUpdate.
    """
    read_vector(vector)
    return document.get_update(vector)


def has(document: Doc, vector: Mapping[int, int]) -> bool:
    """Whether the document reaches this far for each client."""
    own = document.vector()
    return all(own.get(client, 0) >= clock for client, clock in vector.items())


def merge(updates: Iterable[bytes]) -> bytes:
    """Several updates as one, whatever they build on.

    Holds the GIL (50 µs each): give it a tick's worth, not a day's. Raises InvalidUpdate.
    """
    several = list(updates)
    if len(several) < 2:
        return several[0] if several else EMPTY
    try:
        return pycrdt.merge_updates(*several)
    except (RuntimeError, ValueError) as error:
        raise InvalidUpdate("The updates cannot be merged.") from error


def _reading(document: Doc) -> dict[str, object]:
    """What stands in an order: the fragments of texts and slides, and the arrays of spreadsheets and presentations."""
    names = set(document.keys())
    fragments = filter(is_text, names)
    return {name: str(document.get(name, type=pycrdt.XmlFragment)) for name in fragments} | {
        name: document.get(name, type=pycrdt.Array).to_py() for name in names & {"columns", "rows", "slides"}
    }


def _arrived(update: Update, vector: Mapping[int, int]) -> bool:
    return all(vector.get(client, 0) >= end for client, (_, end) in update.adds.items()) and all(
        vector.get(client, 0) >= clock + length for client, clock, length in update.deletes
    )
