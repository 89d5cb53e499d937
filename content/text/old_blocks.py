"""Lists the blocks of a Yjs fragment as Markdown shows them, with their places, so that they can be changed where they are.

Blocks of names that are not known here (callouts, details, columns, figures …) are written as what is in them, and are never
taken apart for it: what they hold is listed in its order, each with the containers around it. What Markdown has no line for is
not listed, and so is never asked for: unknown atoms, and empty paragraphs at the ends.
"""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field

import orjson
from pycrdt import XmlElement, XmlFragment

from content.text import markdown_writer, yxml
from content.text.tree import BLOCKS, Node, is_textblock, to_json, without_images

Parent = XmlFragment | XmlElement
_ITEMS = frozenset({"listItem", "taskItem", "tableRow"})


@dataclass(eq=False, slots=True)
class Container:
    """A block that Markdown does not show.

    `rest` counts the blocks in it that are to stay, or come, and what is not shown; `is_filled` tells that one comes as its
    child.
    """

    parent: Parent
    at: int
    around: "Container | None"
    rest: int = 0
    is_filled: bool = False

    @property
    def outermost(self) -> "Container":
        """The container around all others. One within may be a part that it needs, such as a column, so only this goes as a
        whole.
        """
        return self if self.around is None else self.around.outermost


@dataclass(eq=False, slots=True)
class OldBlock:
    """A block at its place. A paragraph that holds images is as many blocks to Markdown: `parts` of them."""

    parent: Parent
    at: int
    element: XmlElement
    node: Node
    container: Container | None = None
    parts: tuple[Node, ...] = ()
    tags: dict[str, int] = field(default_factory=dict)  # how many children of each name the parent has; shared by its children

    def containers(self) -> Iterator[Container]:
        container = self.container
        while container is not None:
            yield container
            container = container.around


def shown_type(node: Node) -> str:
    """Returns what a block is to Markdown: one of an unknown name that holds text is a paragraph."""
    return "paragraph" if node.type not in BLOCKS and node.type not in _ITEMS and is_textblock(node) else node.type


def kind_of(node: Node, *, exact: bool) -> str:
    """Returns the kind of a block: it can become any other of its kind."""
    return node.type if exact else shown_type(node)


def key(node: Node, *, exact: bool) -> Hashable:
    """Returns a key that is equal for blocks that are the same."""
    if exact:
        return orjson.dumps(to_json(node), option=orjson.OPT_SORT_KEYS)
    return (shown_type(node), markdown_writer.block_to_markdown(node))


def old_blocks(parent: Parent, known: Sequence[Node] | None, *, exact: bool) -> list[OldBlock]:
    """Returns the blocks of a parent that Markdown shows, in order, or exactly its children. `known`: its content, if read
    before.
    """
    found = list(_listed(parent, None, known, exact=exact))
    if exact:
        return found
    return list(_without_blank(found))


def new_blocks(nodes: Sequence[Node], *, exact: bool) -> list[Node]:
    """Returns the blocks of a tree that Markdown shows, or all of them."""
    if exact:
        return list(nodes)
    shown = [node for node in nodes if node.type in _ITEMS or markdown_writer.says(node) or node.type == "paragraph"]
    while shown and markdown_writer.is_empty_paragraph(shown[0]):
        shown.pop(0)
    while shown and markdown_writer.is_empty_paragraph(shown[-1]):
        shown.pop()
    return shown


def _listed(parent: Parent, around: Container | None, known: Sequence[Node] | None, *, exact: bool) -> Iterator[OldBlock]:
    children = yxml.children(parent)
    if known is not None and (len(known) != len(children) or any(node.text is not None for node in known)):
        known = None
    tags: dict[str, int] = {}
    for child in children:
        if isinstance(child, XmlElement):
            tags[child.tag or ""] = tags.get(child.tag or "", 0) + 1
    for at, child in enumerate(children):
        if not isinstance(child, XmlElement):
            continue
        node = known[at] if known is not None else yxml.read_element(child)
        if exact or node.type in BLOCKS or node.type in _ITEMS or is_textblock(node):
            yield OldBlock(parent, at, child, node, around, () if exact else without_images(node), tags)
        else:
            container = Container(parent, at, around)
            inside = list(_listed(child, container, node.content, exact=exact))
            if not inside and around is not None:
                around.rest += 1
            if any(isinstance(each, XmlElement) and not len(each.children) and each.tag not in BLOCKS for each in child.children):
                container.rest += 1
            yield from inside


def _without_blank(found: list[OldBlock]) -> Iterator[OldBlock]:
    """Drops what Markdown has no line for: empty paragraphs at the ends, and images that may not be loaded."""
    shown = [at for at, block in enumerate(found) if block.node.type in _ITEMS or markdown_writer.says(block.node)]
    said = frozenset(shown)
    for at in range(shown[0], shown[-1] + 1) if shown else ():
        if at in said or (found[at].container is None and markdown_writer.is_empty_paragraph(found[at].node)):
            yield found[at]
