"""From what is stored to what is read: a document's state and edits as Markdown, text and so on; large ones on a thread.

A document is not shared between threads, so each call loads its own and lets it go.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar

import orjson

from content import crdt
from content.text import shared
from content.text.html import html
from content.text.markdown import markdown
from content.text.plain import plain
from content.text.reading import parse
from content.text.tree import to_json
from domain.document import ContentFormat, DocumentType

P = ParamSpec("P")
T = TypeVar("T")

_LARGE = 32 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Forms:
    """A whole state, and what it says."""

    state: bytes
    markdown: str
    text: str


async def apart(size: int, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call a function that takes its time with so many bytes: on a thread when they are many."""
    if size < _LARGE:
        return function(*args, **kwargs)
    return await asyncio.to_thread(function, *args, **kwargs)


def forms(type_: DocumentType, snapshot: bytes | None, updates: Sequence[bytes]) -> Forms:
    """
    A document's whole state, and what it says, after a fresh load of that state said the same.

    Raises UpdatePending or InvalidUpdate where the state would leave something out: no version is made of such a document.
    """
    document = crdt.load(snapshot, updates)
    state = crdt.state(document)
    again = crdt.load(state)
    if again.vector() != document.vector() or _markdown(type_, again) != (told := _markdown(type_, document)):
        raise RuntimeError("a document's state does not load to what the document says")
    return Forms(state=state, markdown=told, text=_text(type_, again))


def render(type_: DocumentType, snapshot: bytes | None, updates: Sequence[bytes], format_: ContentFormat) -> str:
    """What a document says, in a form other than the CRDT."""
    document = crdt.load(snapshot, updates)
    match format_:
        case ContentFormat.MARKDOWN:
            return _markdown(type_, document)
        case ContentFormat.TEXT:
            return _text(type_, document)
        case ContentFormat.HTML:
            return html(_tree(document))
        case _:
            return orjson.dumps(to_json(_tree(document))).decode()


def whole(snapshot: bytes | None, updates: Sequence[bytes]) -> bytes:
    """The state as one update."""
    return crdt.state(crdt.load(snapshot, updates)) if updates or snapshot is None else snapshot


def compose(type_: DocumentType, text: str) -> bytes:
    """The update that makes an empty document say this."""
    import pycrdt

    document = crdt.Doc()
    fragment: Any = document.get(shared.ROOT, type=pycrdt.XmlFragment)
    shared.write(fragment, parse(text))
    return crdt.state(document)


def _tree(document: crdt.Doc) -> Any:
    import pycrdt

    return shared.read(document.get(shared.ROOT, type=pycrdt.XmlFragment))


def _markdown(type_: DocumentType, document: crdt.Doc) -> str:
    return markdown(_tree(document))


def _text(type_: DocumentType, document: crdt.Doc) -> str:
    return plain(_tree(document))
