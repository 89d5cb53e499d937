"""Converts a rich text between its tree and the XML fragment of a Yjs document, as y-prosemirror and TipTap write it.

A block is an XmlElement named after the node, its attributes are the node's (null ones are left out, as there), and
neighbouring runs of text make one XmlText with the marks as formatting. pycrdt reads and writes all numbers as floats; whole
ones become integers again on reading (to JavaScript they are the same). Offsets in a pycrdt text are bytes of UTF-8, and one
inside a character moves to its end.

pycrdt's iteration over children stops silently at one that is not XML. The guard refuses those (`content.structure_check`), and
`crdt.load` deletes them; where one is met all the same, nothing is read rather than half of a document.
"""

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

from pycrdt import XmlElement, XmlFragment, XmlText

from content.errors import Unreadable
from content.text.tree import Mark, Node, join_runs, sort_marks, text_run

ROOT = "default"
_JSON = (str, bool, int, float, type(None))


def read(fragment: XmlFragment) -> Node:
    """The tree of a fragment. Raises Unreadable."""
    with fragment.doc.transaction():
        return Node("doc", content=read_children(fragment))


def read_element(element: XmlElement) -> Node:
    """The tree of one block, or of one inline node."""
    attrs = {key: value for key, found in element.attributes if (value := to_json_value(found)) is not None}  # type: ignore[attr-defined]
    return Node(element.tag or "", attrs, read_children(element))


def read_text(text: XmlText) -> tuple[Node, ...]:
    """The runs of a text."""
    return tuple(text_run(run, marks_of(marks)) for run, marks in text.diff() if isinstance(run, str))


def marks_of(formatting: Mapping[str, Any] | None) -> tuple[Mark, ...]:
    """The marks that a run's formatting says."""
    marks = (Mark(key, to_json_value(value) if isinstance(value, Mapping) else {}) for key, value in (formatting or {}).items())
    return sort_marks(marks)


def children(parent: XmlFragment | XmlElement) -> list[XmlElement | XmlText]:
    """The children of a fragment or element, all of them. Raises Unreadable."""
    children = [child for child in parent.children if isinstance(child, XmlElement | XmlText)]
    if len(children) != len(parent.children):
        raise Unreadable
    return children


def read_children(parent: XmlFragment | XmlElement) -> tuple[Node, ...]:
    """What stands in a fragment or element, with neighbouring runs of text made one. Raises Unreadable."""

    def each() -> Iterator[Node]:
        for child in children(parent):
            if isinstance(child, XmlText):
                yield from read_text(child)
            elif isinstance(child, XmlElement):
                yield read_element(child)

    return join_runs(each())


def to_json_value(value: Any) -> Any:
    """A value as JSON has it, with whole numbers as integers; None for what JSON has not."""
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if isinstance(value, Mapping):
        return {str(key): to_json_value(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [to_json_value(inner) for inner in value]
    return value if isinstance(value, _JSON) else None


def write(fragment: XmlFragment, tree: Node) -> None:
    """Adds the blocks of a tree behind those of the fragment."""
    with fragment.doc.transaction():
        insert(fragment, len(fragment.children), tree.content)


def insert(parent: XmlFragment | XmlElement, at: int, nodes: tuple[Node, ...]) -> None:
    """Inserts blocks or inline nodes before the child `at`; each group of neighbouring runs becomes one XmlText.

    The last comes first, all at one place: a place is found by walking there, so each a place further would be quadratic.
    """
    for is_text, several in groupby(reversed(nodes), key=lambda node: node.text is not None):
        if is_text:
            text = parent.children.insert(at, XmlText(""))
            for run in several:
                text.insert(0, run.text or "", formatting(run.marks))
            continue
        for node in several:
            element = XmlElement(node.type, {key: value for key, value in node.attrs.items() if value is not None})
            parent.children.insert(at, element)
            insert(element, 0, node.content)


def formatting(marks: tuple[Mark, ...]) -> dict[str, Any]:
    """Marks as the attributes of a Yjs text."""
    return {mark.type: dict(mark.attrs) for mark in marks}
