"""Changes a Yjs fragment into a tree with as few operations as Markdown tells apart, so that edits made meanwhile find their place."""

import re
from collections import Counter
from collections.abc import Sequence

from pycrdt import XmlElement, XmlFragment, XmlText

from content.alignment import gaps, matches
from content.text import inline_writer, markdown_writer, yxml
from content.text.patch_text import patch_words
from content.text.plain_text import to_text
from content.text.tree import TEXTBLOCKS, Node

# The attributes that Markdown tells, with what stands for none.
_TOLD: dict[str, dict[str, object]] = {
    "heading": {"level": 1},
    "codeBlock": {"language": None},
    "orderedList": {"start": 1},
    "taskItem": {"checked": False},
    "image": {"src": None, "alt": None, "title": None},
}
_PAIRED_UP_TO = 400  # pairs of blocks to weigh in one gap; above, blocks are replaced
_WEIGHED = 4_000  # characters of a block that are weighed
_ALIKE = 0.3
_WORDS = re.compile(r"\w+")

Parent = XmlFragment | XmlElement
Step = tuple[int | None, Node | None]


class _Block:
    """A block at its place in a parent, with what it reads as."""

    def __init__(self, at: int, node: Node) -> None:
        self.at = at
        self.node = node
        self.key = (node.type, markdown_writer.block_to_markdown(node))

    @property
    def is_blank(self) -> bool:
        """Whether Markdown has no line for it: such are kept where they are, and never asked for."""
        return not self.key[1] and self.node.type not in ("listItem", "taskItem", "tableRow")


def patch(parent: Parent, new: Sequence[Node]) -> None:
    """Make the blocks of a parent those of a tree."""
    old = [yxml.read_element(child) if isinstance(child, XmlElement) else None for child in yxml.inside(parent)]
    if _is_item(parent) and old and new and old[0] is not None and old[0].type == new[0].type == "paragraph":
        _patch_blocks(
            parent,
            [_Block(at, node) for at, node in enumerate(old) if at and node],
            [_Block(0, node) for node in new[1:]],
            start=1,
        )
        _patch_block(_element(parent, 0), old[0], new[0])
        return
    shown = [block for at, node in enumerate(old) if node and not (block := _Block(at, node)).is_blank]
    wanted = [block for node in new if not (block := _Block(0, node)).is_blank]
    if wanted or not shown:
        _patch_blocks(parent, shown, wanted)
        return
    at, first = shown[0].at, shown[0].node
    for surplus in reversed(shown[1:]):
        del parent.children[surplus.at]
    if first.type == "paragraph":
        _patch_block(_element(parent, at), first, Node("paragraph"))
    else:
        del parent.children[at]
        yxml.insert(parent, at, (Node("paragraph"),))


def _patch_blocks(parent: Parent, old: Sequence[_Block], new: Sequence[_Block], *, start: int = 0) -> None:
    steps = _steps(old, new)
    places: list[int] = []  # for each step, where something is inserted there
    place = start
    for here, _ in steps:
        places.append(place)
        place = place if here is None else old[here].at + 1
    for (here, node), place in zip(reversed(steps), reversed(places), strict=True):
        if here is None:
            assert node is not None
            yxml.insert(parent, place, (node,))
            continue
        at, before = old[here].at, old[here].node
        if node is None:
            del parent.children[at]
        elif node is not before:
            _patch_block(_element(parent, at), before, node)


def _steps(blocks: Sequence[_Block], others: Sequence[_Block]) -> list[Step]:
    """In order: (place in old, its node) to keep, (place, node) to change into, (place, None) to delete, (None, node) to insert."""
    steps: list[Step] = []
    old, new = [block.node for block in blocks], [block.node for block in others]
    at, to = 0, 0
    same = matches([block.key for block in blocks], [block.key for block in others])
    for here, there, length in [*same, (len(old), len(new), 0)]:
        steps += _paired(old, new, (at, here, to, there))
        steps += [(here + step, old[here + step]) for step in range(length)]
        at, to = here + length, there + length
    return steps


def _paired(old: Sequence[Node], new: Sequence[Node], gap: tuple[int, int, int, int]) -> list[Step]:
    """What changed between two matches, as pairs of blocks that are most alike, in order."""
    start, end, begin, stop = gap
    height, width = end - start, stop - begin
    if height * width > _PAIRED_UP_TO:
        if height != width:
            return [*((at, None) for at in range(start, end)), *((None, node) for node in new[begin:stop])]
        return [step for at, node in zip(range(start, end), new[begin:stop], strict=True) for step in _either(old, at, node)]
    if height == width == 1:
        return _either(old, start, new[begin])
    words = [_counted(node) for node in old[start:end]]
    others = [_counted(node) for node in new[begin:stop]]
    best = [[0.0] * (width + 1) for _ in range(height + 1)]
    for row in range(height - 1, -1, -1):
        for column in range(width - 1, -1, -1):
            alike = _likeness((old[start + row], words[row]), (new[begin + column], others[column]))
            best[row][column] = max(
                best[row + 1][column], best[row][column + 1], alike + best[row + 1][column + 1] if alike else 0.0
            )
    steps: list[Step] = []
    row = column = 0
    while row < height and column < width:
        if best[row][column] == best[row + 1][column]:
            steps.append((start + row, None))
            row += 1
        elif best[row][column] == best[row][column + 1]:
            steps.append((None, new[begin + column]))
            column += 1
        else:
            steps.append((start + row, new[begin + column]))
            row, column = row + 1, column + 1
    steps += [(at, None) for at in range(start + row, end)]
    steps += [(None, node) for node in new[begin + column : stop]]
    return steps


def _either(old: Sequence[Node], at: int, node: Node) -> list[Step]:
    return [(at, node)] if old[at].type == node.type else [(at, None), (None, node)]


def _counted(node: Node) -> Counter[str]:
    """How often each word stands in the beginning of a block, which tells enough of it."""
    return Counter(_WORDS.findall(to_text(node)[:_WEIGHED]))


def _likeness(one: tuple[Node, Counter[str]], other: tuple[Node, Counter[str]]) -> float:
    """0 where one can't become the other, up to 1 where they have the same words."""
    if one[0].type != other[0].type:
        return 0.0
    words, others = one[1], other[1]
    total = words.total() + others.total()
    alike = 2 * (words & others).total() / total if total else 1.0
    if one[0].type in TEXTBLOCKS:
        return alike if alike >= _ALIKE else 0.0
    return max(alike, 0.01)  # lists and tables become others of their kind rather than go


def _patch_block(element: XmlElement, old: Node, new: Node) -> None:
    for name, none in _TOLD.get(new.type, {}).items():
        wanted = new.attrs.get(name, none)
        if old.attrs.get(name, none) != wanted:
            if wanted is None:
                del element.attributes[name]
            else:
                element.attributes[name] = wanted
    if new.type in TEXTBLOCKS:
        _patch_inline(element, new)
    elif new.type == "tableRow":
        _patch_row(element, old, new)
    elif new.content:
        patch(element, new.content)


def _patch_row(row: XmlElement, old: Node, new: Node) -> None:
    """Cells are the same by their place; a head is a head only where the document has it so."""
    for at in range(len(old.content) - 1, len(new.content) - 1, -1):
        del row.children[at]
    for at, (before, after) in enumerate(zip(old.content, new.content, strict=False)):
        if markdown_writer.block_to_markdown(before) != markdown_writer.block_to_markdown(after):
            patch(_element(row, at), after.content)
    more = new.content[len(old.content) :]
    spans = any(cell.attrs.get(name, 1) != 1 for cell in old.content for name in ("colspan", "rowspan"))
    yxml.insert(row, len(old.content), tuple(cell for cell in more if not spans or markdown_writer.block_to_markdown(cell)))


def _patch_inline(element: XmlElement, new: Node) -> None:
    """Inline nodes other than text are kept where they are the same; texts between them are changed within."""
    old = yxml.inside(element)
    wanted = segments(new.content)
    keys = ["" if isinstance(child, XmlText) else inline_writer.inline((yxml.read_element(child),)) or child.tag for child in old]
    others = ["" if part[0].text is not None else inline_writer.inline(part) or part[0].type for part in wanted]
    for start, end, begin, stop in reversed(gaps(keys, others)):
        for surplus in range(end - 1, start - 1, -1):
            del element.children[surplus]
        yxml.insert(element, start, tuple(node for part in wanted[begin:stop] for node in part))
    kept = [
        pair
        for here, there, length in matches(keys, others)
        for pair in zip(range(here, here + length), range(there, there + length), strict=True)
    ]
    for here, there in kept:
        child = old[here]
        if isinstance(child, XmlText):
            starts = there == 0 or wanted[there - 1][0].type == "hardBreak"
            ends = there == len(wanted) - 1 or wanted[there + 1][0].type == "hardBreak"
            line = new.type != "codeBlock"
            patch_words(child, wanted[there], keep_start=line and starts, keep_end=line and ends)


def segments(nodes: Sequence[Node]) -> list[tuple[Node, ...]]:
    """Inline nodes as children of an element: neighbouring runs are one."""
    parts: list[tuple[Node, ...]] = []
    for node in nodes:
        if parts and node.text is not None and parts[-1][0].text is not None:
            parts[-1] = (*parts[-1], node)
        else:
            parts.append((node,))
    return parts


def _is_item(parent: Parent) -> bool:
    return isinstance(parent, XmlElement) and parent.tag in ("listItem", "taskItem")


def _element(parent: Parent, at: int) -> XmlElement:
    child = parent.children[at]
    assert isinstance(child, XmlElement)
    return child
