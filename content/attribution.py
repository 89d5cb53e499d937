"""Attributes a document's text: spans of its plain rendering with the Yjs client that inserted them.

Yjs records who inserted each character, but neither when nor who deleted or formatted it; a client is one session of a user, so
rooms record which user each client was, and at which clocks. `Span.clock` is the latest clock of a span, to look up when that
was.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from pycrdt import XmlFragment

from content import crdt, presentation
from content.alignment import matches
from content.item_order import Item, ItemOrder, Parent, order_items
from content.structs import STRING, TYPE, XML_ELEMENT, XML_TEXT, decode_update
from content.text import plain_text, yxml
from content.text.tree import Node
from domain.document.kind import DocumentType

_WORDS = re.compile(r"\w+|\s|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Span:
    """Characters `start` up to `end` of a text, inserted by a client; `clock` is the highest of theirs."""

    start: int
    end: int
    client: int
    clock: int


def spans(type: DocumentType, document: crdt.Doc) -> tuple[Span, ...]:
    """Returns the attributed spans of a document's TEXT rendering, in order; line breaks between blocks belong to nobody.

    Offsets count code points (`domain.anchor.Utf16Offsets` converts them for clients).

    A spreadsheet has none: its cells are replaced, not written in. Raises UpdatePending.
    """
    if type is DocumentType.SPREADSHEET:
        return ()
    items = order_items(decode_update(crdt.state(document)))
    found: list[Span] = []
    if type is DocumentType.TEXT:
        _follow(yxml.read(document.get(yxml.ROOT, type=XmlFragment)), yxml.ROOT, items, 0, found)
        return tuple(found)
    at = 0
    for slide in presentation.read(document):
        _follow(slide.body, presentation.fragment(slide.id), items, at, found)
        at += len(presentation.to_text((slide,))) + 1
    return tuple(found)


def remap_spans(found: tuple[Span, ...], text: str, rendering: str) -> tuple[Span, ...]:
    """Maps spans of a text to another rendering of it, such as Markdown, whose signs belong to the word before them."""
    author = _at(found)
    out: list[Span] = []
    words, others = list(_WORDS.finditer(text)), list(_WORDS.finditer(rendering))
    for here, there, length in matches([word[0] for word in words], [word[0] for word in others]):
        shift = others[there].start() - words[here].start()
        end = words[here + length - 1].end()
        at = words[here].start()
        while at < end:
            span = author(at)
            stop = min(span.end, end) if span else at + 1
            if span:
                _add(out, Span(at + shift, stop + shift, span.client, span.clock))
            at = stop
    return tuple(out)


def author_changes(found: Sequence[Span]) -> list[tuple[int, int]]:
    """Returns (offset, client) wherever the client changes; unattributed text belongs to the client before it, or the first."""
    changes: list[tuple[int, int]] = []
    for span in found:
        if not changes or changes[-1][1] != span.client:
            changes.append((span.start if changes else 0, span.client))
    return changes


def _at(found: tuple[Span, ...]) -> Callable[[int], Span | None]:
    starts = [span.start for span in found]

    def at(offset: int) -> Span | None:
        index = bisect_right(starts, offset) - 1
        return found[index] if index >= 0 and found[index].end > offset else None

    return at


def _follow(doc: Node, root: Parent, items: ItemOrder, at: int, found: list[Span]) -> None:
    """Walks the tree and the items in parallel: both have all elements and all characters in the same order."""
    elements, letters = _written(root, items)
    next_element, next_letter = iter(elements), _Letters(letters)

    def inline(node: Node, offset: int) -> int:
        if node.text is not None:
            for length, client, clock in next_letter.take(len(node.text)):
                _add(found, Span(offset, offset + length, client, clock))
                offset += length
            return offset
        item = next(next_element, None)
        text = plain_text.inline_text(node)
        if item is not None and text:
            _add(found, Span(offset, offset + len(text), item.struct.client, item.struct.clock))
        for child in node.walk():
            if child is not node:
                _pass(child, next_element, next_letter)
        return offset + len(text)

    def block(node: Node, offset: int) -> int:
        if node.type != "doc":
            next(next_element, None)
        if plain_text.textblocks(node) == (node,):
            for child in node.content:
                offset = inline(child, offset)
            return offset + 1
        for child in node.content:
            offset = block(child, offset)
        return offset

    block(doc, at)


def _pass(node: Node, elements: Iterator[Item], letters: "_Letters") -> None:
    if node.text is not None:
        for _ in letters.take(len(node.text)):
            pass
    else:
        next(elements, None)


def _written(root: Parent, items: ItemOrder) -> tuple[list[Item], list[Item]]:
    """Returns the elements and the strings within a root, each in the order of the text."""
    elements: list[Item] = []
    letters: list[Item] = []

    def walk(parent: Parent, *, text: bool) -> None:
        for item in items.within(parent):
            struct = item.struct
            if struct.kind == STRING and text:
                letters.append(item)
            elif struct.kind == TYPE and not text and isinstance(struct.content, tuple):
                if struct.content[0] == XML_ELEMENT:
                    elements.append(item)
                    walk((struct.client, struct.clock), text=False)
                elif struct.content[0] == XML_TEXT:
                    walk((struct.client, struct.clock), text=True)

    walk(root, text=False)
    return elements, letters


class _Letters:
    """Hands out the characters of strings in order, with the client of each."""

    def __init__(self, items: list[Item]) -> None:
        self._items = iter(items)
        self._item: Item | None = None
        self._left = 0

    def take(self, count: int) -> Iterator[tuple[int, int, int]]:
        """Yields (characters, client, clock), `count` characters together unless fewer are left."""
        while count:
            if not self._left:
                self._item = next(self._items, None)
                if self._item is None:
                    return
                self._left = len(str(self._item.struct.content))
                continue
            assert self._item is not None
            taken = min(count, self._left)
            struct = self._item.struct
            yield taken, struct.client, struct.clock + struct.length - 1
            self._left -= taken
            count -= taken


def _add(found: list[Span], span: Span) -> None:
    last = found[-1] if found else None
    if last and last.end == span.start and last.client == span.client:
        found[-1] = Span(last.start, span.end, last.client, max(last.clock, span.clock))
    else:
        found.append(span)
