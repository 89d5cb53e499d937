"""From what is stored to what is read, and back: a document's state and edits as Markdown, text and so on, and edits made from
texts.

Work of a size that its author decides: call it through `persistence.documents.worker_pool`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from content import crdt, document_types, edit
from domain.document import ContentFormat, DocumentType


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendering:
    """A whole state, and what it says."""

    state: bytes
    markdown: str
    text: str


def render_forms(type_: DocumentType, snapshot: bytes | None, updates: Sequence[bytes]) -> Rendering:
    """
    A document's whole state, and what it says, after a fresh load of that state said the same.

    Raises UpdatePending or InvalidUpdate where the state would leave something out: no version is made of such a document.
    """
    document = crdt.load(snapshot, updates)
    state = crdt.state(document)
    again = crdt.load(state)
    told = document_types.render(type_, document, ContentFormat.MARKDOWN)
    if again.vector() != document.vector() or document_types.render(type_, again, ContentFormat.MARKDOWN) != told:
        raise RuntimeError("a document's state does not load to what the document says")
    return Rendering(state=state, markdown=told, text=document_types.render(type_, again, ContentFormat.TEXT))


def render(type_: DocumentType, snapshot: bytes | None, updates: Sequence[bytes], format_: ContentFormat) -> str:
    """What a document says, in a form other than the CRDT."""
    return document_types.render(type_, crdt.load(snapshot, updates), format_)


def full_state(snapshot: bytes | None, updates: Sequence[bytes]) -> bytes:
    """The state as one update."""
    return crdt.state(crdt.load(snapshot, updates)) if updates or snapshot is None else snapshot


def edit_update(
    function: Callable[..., bytes], type_: DocumentType, snapshot: bytes | None, updates: Sequence[bytes], *arguments: str
) -> bytes:
    """The update that an edit (`content.edit`) of a state comes to; nothing where it changes nothing."""
    update = function(type_, full_state(snapshot, updates), *arguments)
    return b"" if update == crdt.EMPTY else update


def require_loadable(state: bytes) -> None:
    """Raises InvalidUpdate where a state does not load."""
    crdt.load(state)


def restore_update(type_: DocumentType, snapshot: bytes | None, updates: Sequence[bytes], version: bytes) -> bytes:
    """The update that makes a live state hold what a version held; nothing when it does (`content.edit.restore`)."""
    update = edit.restore(type_, full_state(snapshot, updates), version)
    return b"" if update == crdt.EMPTY else update
