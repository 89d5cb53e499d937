"""Renders stored states of documents as Markdown, text and other formats, and makes updates from texts.

The work grows with the document: call it through `persistence.documents.worker_pool`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from content import crdt, document_types, edit, guard
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
    markdown = document_types.render(type_, document, ContentFormat.MARKDOWN)
    if again.vector() != document.vector() or document_types.render(type_, again, ContentFormat.MARKDOWN) != markdown:
        raise RuntimeError("a document's state does not load to what the document says")
    return Rendering(state=state, markdown=markdown, text=document_types.render(type_, again, ContentFormat.TEXT))


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


def difference(snapshot: bytes | None, updates: Sequence[bytes], vector: bytes) -> bytes:
    """What a client with this state vector is missing of a state. Raises InvalidUpdate."""
    return crdt.difference(crdt.load(snapshot, updates), vector or b"\x00")


def check_and_merge(updates: Sequence[bytes]) -> bytes:
    """Several updates as one, after each was checked. Raises InvalidUpdate, UpdateTooLarge."""
    for each in updates:
        guard.check(each)
    return crdt.merge(updates)


def warm_up() -> None:
    """Import and compile what ordinary work needs, so that the first job of a new worker does not wait for that."""
    update = document_types.parse(DocumentType.TEXT, "# One\n\n- *two*\n\n| a |\n|---|\n| b |\n")
    render_forms(DocumentType.TEXT, update, ())


def require_loadable(state: bytes) -> None:
    """Raises InvalidUpdate where a state does not load."""
    crdt.load(state)


def restore_update(type_: DocumentType, snapshot: bytes | None, updates: Sequence[bytes], version: bytes) -> bytes:
    """The update that makes a live state hold what a version held; nothing when it does (`content.edit.restore`)."""
    update = edit.restore(type_, full_state(snapshot, updates), version)
    return b"" if update == crdt.EMPTY else update
