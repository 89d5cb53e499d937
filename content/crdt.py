"""Loads, reads and merges Yjs documents with pycrdt, and detects what pycrdt does not report.

`Doc` remembers how far the updates reach that it was given. While its state vector stays short of that, edits are pending:
pycrdt keeps them aside and leaves them out of `get_update`, so `state` raises rather than return a snapshot that loses them. An
update that fails half-way leaves its first structs behind; the document is then broken, and says so until it is loaded anew.

A log from before the guard refused them may hold values among the blocks of a rich text, at which pycrdt stops reading. `load`
deletes those in the copy that it makes, so that everything visible is read, edits count places correctly, and the next version
is rid of them; rooms, and with them the log, keep what they have. Rejected: refusing such a document (nobody could read or
restore it); skipping such children while reading (pycrdt panics when asked for one, and edits would count them).
"""

from collections.abc import Iterable, Mapping
from typing import Any

import pycrdt

from content.errors import InvalidUpdate, UpdatePending, UpdateTooLarge
from content.guard import MAX_DOCUMENT_BYTES, MAX_UPDATE_BYTES, builds_on_missing, check, read
from content.structs import Update, encode_deletions
from content.structs import decode_state_vector as read_vector
from content.structure_check import StructureCheck, is_rich_text_root

EMPTY = b"\x00\x00"
_LIMIT = 2 * MAX_DOCUMENT_BYTES  # what is stored already must always load


class Doc(pycrdt.Doc[Any]):
    """A Yjs document. Not shared between threads."""

    def __init__(self, *, client_id: int | None = None) -> None:
        super().__init__(client_id=client_id)
        self._structure = StructureCheck()
        self._waiting: list[Update] = []
        self._broken = False

    def apply(self, update: bytes, *, stored: bool = False) -> Update:
        """Applies an update and returns it decoded. Values among blocks are refused, or deleted here in what was `stored`.

        Raises InvalidUpdate, UpdateTooLarge, TooExpensive: the document is unchanged, or `is_broken`.
        """
        decoded = read(update, limit=_LIMIT)
        if decoded.is_empty:
            return decoded
        foreign = self._structure.admit(decoded, stored=stored)
        if builds_on_missing(decoded, self.vector()):
            self._waiting.append(decoded)
        try:
            self.apply_update(update)
            if foreign:
                self.apply_update(encode_deletions(foreign))
        except (RuntimeError, ValueError, TypeError) as error:
            self._broken = True
            raise InvalidUpdate("The update does not apply to the document.") from error
        return decoded

    def vector(self) -> dict[int, int]:
        """Client → clock after the last."""
        return read_vector(self.get_state())

    @property
    def is_pending(self) -> bool:
        """Returns whether edits wait for others that are missing."""
        if self._waiting:
            vector = self.vector()
            self._waiting = [update for update in self._waiting if not _arrived(update, vector)]
        return bool(self._waiting)

    @property
    def is_broken(self) -> bool:
        """Returns whether an update failed half-way: load the document anew."""
        return self._broken


def load(snapshot: bytes | None, updates: Iterable[bytes] = (), *, client_id: int | None = None) -> Doc:
    """Loads a document from its snapshot (None or empty: a new one) and later updates. Raises InvalidUpdate, UpdateTooLarge."""
    document = Doc(client_id=client_id)
    if snapshot:
        document.apply(snapshot, stored=True)
    for update in updates:
        document.apply(update, stored=True)
    return document


def state(document: Doc) -> bytes:
    """Encodes the whole document as one update. Raises UpdatePending while edits are pending, InvalidUpdate if it is broken."""
    if document.is_broken:
        raise InvalidUpdate("The document is broken by an update that failed half-way: load it anew.")
    if document.is_pending:
        raise UpdatePending
    return document.get_update()


def require_applicable(stored_state: bytes, update: bytes, *, limit: int = MAX_UPDATE_BYTES) -> Update:
    """Decodes an update and tries it on a scratch copy of a document with this state.

    Raises UpdatePending where it builds on edits that are missing, UpdateTooLarge where the result would be, and InvalidUpdate
    for all else.
    """
    decoded = check(update, limit=limit)
    scratch = load(stored_state)
    scratch.apply(update)
    if scratch.is_pending:
        raise UpdatePending
    if not reproduces(scratch):
        raise InvalidUpdate("The update would make the document read differently each time it is loaded.")
    if len(state(scratch)) > MAX_DOCUMENT_BYTES:
        raise UpdateTooLarge(f"A document has at most {MAX_DOCUMENT_BYTES} bytes.", MAX_DOCUMENT_BYTES)
    return decoded


def reproduces(document: Doc) -> bool:
    """Returns whether a fresh load of the document's state reads as the document does: to be asked before its log is cut.

    It may not where somebody forged an item whose right neighbour stands left of its left one: where such an item comes to stand
    depends on what was loaded before it, in yrs as in yjs. No editor writes one, and finding it needs the order of the whole
    document.
    """
    again = load(state(document))
    return again.vector() == document.vector() and _reading(again) == _reading(document)


def state_vector(document: Doc) -> bytes:
    """Returns the state vector in the encoding of yjs."""
    return document.get_state()


def difference(document: Doc, vector: bytes) -> bytes:
    """Returns the update that a client with this state vector lacks; it carries all deletions, as Yjs can't tell which are known.

    Raises InvalidUpdate.
    """
    read_vector(vector)
    return document.get_update(vector)


def includes(document: Doc, vector: Mapping[int, int]) -> bool:
    """Returns whether the document reaches this far for each client."""
    own = document.vector()
    return all(own.get(client, 0) >= clock for client, clock in vector.items())


def merge(updates: Iterable[bytes]) -> bytes:
    """Merges several updates into one, whatever they build on.

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
    """Returns everything that has an order: the fragments of texts and slides, and the arrays of spreadsheets and
    presentations.
    """
    names = set(document.keys())
    fragments = filter(is_rich_text_root, names)
    return {name: str(document.get(name, type=pycrdt.XmlFragment)) for name in fragments} | {
        name: document.get(name, type=pycrdt.Array).to_py() for name in names & {"columns", "rows", "slides"}
    }


def _arrived(update: Update, vector: Mapping[int, int]) -> bool:
    return all(vector.get(client, 0) >= end for client, (_, end) in update.adds.items()) and all(
        vector.get(client, 0) >= clock + length for client, clock, length in update.deletes
    )
