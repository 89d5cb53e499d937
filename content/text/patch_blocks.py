"""Changes a Yjs fragment into a tree with few operations, so that concurrent edits keep their place.

*As Markdown*: the tree was read from Markdown, so what that cannot say is no difference and stays, such as colours, widths, and
the containers around blocks (`content.text.old_blocks`). *Exactly*: the tree is what another state of the document held.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pycrdt import XmlElement

from content.alignment import matches
from content.text import yxml
from content.text.markdown_writer import block_to_markdown, is_empty_paragraph
from content.text.old_blocks import Container, OldBlock, Parent, key, kind_of, new_blocks, old_blocks, shown_type
from content.text.patch_inline import patch_inline
from content.text.patch_table import match_columns
from content.text.plain_text import to_text
from content.text.tree import TEXTBLOCKS, Node

# The attributes that Markdown says, with what stands for none.
_SAID: Final[dict[str, dict[str, object]]] = {
    "heading": {"level": 1},
    "codeBlock": {"language": None, "meta": None},
    "orderedList": {"start": 1},
    "taskItem": {"checked": False},
    "image": {"src": None, "alt": None, "title": None, "href": None, "hrefTitle": None},
}
_MAX_PAIRS: Final = 400  # pairs of blocks to weigh in one gap; above, blocks are replaced
_MAX_PAIRED_UNWEIGHED: Final = 1_000  # blocks that are changed each into that at its place; more are replaced, which is cheaper
_WEIGHED_CHARACTERS: Final = 4_000  # of a block
_MIN_LIKENESS: Final = 0.3
_MIN_LIKENESS_IN_CONTAINER: Final = 0.001
_WORDS = re.compile(r"\w+")
_EMPTY = Node("paragraph")


@dataclass(frozen=True, slots=True)
class _Unit:
    """A block of the document as Markdown shows it: a whole one, or the part of a paragraph up to or behind an image in it."""

    block: OldBlock
    node: Node
    is_part: bool


@dataclass(frozen=True, slots=True)
class _Step:
    """A unit that is kept or changed into `node`, or deleted where that is None; without a unit, a node that is inserted."""

    unit: _Unit | None
    node: Node | None

    @property
    def is_kept(self) -> bool:
        return self.unit is not None and self.node is not None


def patch_blocks(parent: Parent, new: Sequence[Node], known: Sequence[Node] | None = None, *, exact: bool = False) -> None:
    """Makes the blocks of a parent those of a tree; `known` is what it holds, if that was read before."""
    old, wanted = old_blocks(parent, known, exact=exact), new_blocks(new, exact=exact)
    first = _first_of_item(parent, new) if not exact else None
    if first is not None:
        old = [block for block in old if block.parent is not parent or block.at != first]
        wanted = [node for node in wanted if node is not new[0]]
    steps = _steps(old, wanted, exact=exact)
    if not exact and old and not wanted and first is None:
        steps = _emptied(old, steps)
    _apply(parent, steps, 0 if first is None else first + 1, exact=exact)
    if first is not None:
        element = yxml.children(parent)[first]
        assert isinstance(element, XmlElement)
        _patch_block(element, yxml.read_element(element), new[0], exact=False)
    if not exact and not len(parent.children):
        yxml.insert(parent, 0, (_EMPTY,))


def _first_of_item(parent: Parent, new: Sequence[Node]) -> int | None:
    """Returns the index of an item's first paragraph, which it must have, if it becomes another: the last of leading empty
    ones.
    """
    if not isinstance(parent, XmlElement) or parent.tag not in ("listItem", "taskItem") or not new or new[0].type != "paragraph":
        return None
    first: int | None = None
    for at, child in enumerate(yxml.children(parent)):
        if not isinstance(child, XmlElement) or child.tag != "paragraph":
            return first
        is_empty = is_empty_paragraph(yxml.read_element(child))
        if first is None or is_empty:
            first = at
        if not is_empty or is_empty_paragraph(new[0]):
            return first
    return first


def _emptied(old: Sequence[OldBlock], steps: list[_Step]) -> list[_Step]:
    """Keeps a paragraph to write in: the first block of a document or cell, unless it is in a container."""
    first = old[0]
    if first.node.type != "paragraph" or first.container is not None or len(first.parts) != 1:
        return steps
    return [_Step(steps[0].unit, _EMPTY), *steps[1:]]


def _steps(old: Sequence[OldBlock], new: Sequence[Node], *, exact: bool) -> list[_Step]:
    """Returns what becomes of each block, in order."""
    units = [
        _Unit(block, part, len(block.parts) > 1)
        for block in old
        for part in (block.parts if len(block.parts) > 1 else (block.node,))
    ]
    steps: list[_Step] = []
    at, to = 0, 0
    same = matches([key(unit.node, exact=exact) for unit in units], [key(node, exact=exact) for node in new])
    for here, there, length in [*same, (len(units), len(new), 0)]:
        steps += _paired(units[at:here], new[to:there], exact=exact)
        steps += [_Step(units[here + step], units[here + step].node) for step in range(length)]
        at, to = here + length, there + length
    return _whole(steps)


def _whole(steps: list[_Step]) -> list[_Step]:
    """Blocks of several parts are kept only where all of them are, as they were, with nothing between them."""
    kept: Counter[int] = Counter()
    last: OldBlock | None = None
    for step in steps:
        is_same = step.unit is not None and step.node is step.unit.node
        if (
            step.unit is not None
            and step.unit.is_part
            and is_same
            and (kept[id(step.unit.block)] == 0 or last is step.unit.block)
        ):
            kept[id(step.unit.block)] += 1
        last = step.unit.block if step.unit is not None and is_same else None
    found: list[_Step] = []
    for step in steps:
        unit = step.unit
        if unit is None or not unit.is_part or kept[id(unit.block)] == len(unit.block.parts):
            found.append(step)
            continue
        found.append(_Step(unit, None))
        if step.node is not None:
            found.append(_Step(None, step.node))
    return found


def _paired(old: Sequence[_Unit], new: Sequence[Node], *, exact: bool) -> list[_Step]:
    """Pairs the blocks between two matches that are most alike, in order."""
    height, width = len(old), len(new)
    if height * width > _MAX_PAIRS:
        if height != width or height > _MAX_PAIRED_UNWEIGHED:
            return [*(_Step(None, node) for node in new), *(_Step(unit, None) for unit in old)]  # so that few places are walked
        return [step for unit, node in zip(old, new, strict=True) for step in _either(unit, node, exact=exact)]
    if height == width == 1:
        return _either(old[0], new[0], exact=exact)
    words = [_counted(unit.node) for unit in old]
    others = [_counted(node) for node in new]
    best = [[0.0] * (width + 1) for _ in range(height + 1)]
    for row in range(height - 1, -1, -1):
        for column in range(width - 1, -1, -1):
            alike = _likeness((old[row].node, words[row]), (new[column], others[column]), exact=exact)
            if (
                not alike
                and old[row].block.container is not None
                and kind_of(old[row].node, exact=exact) == kind_of(new[column], exact=exact)
            ):
                alike = _MIN_LIKENESS_IN_CONTAINER  # rather than that what a container needs goes from it
            best[row][column] = max(
                best[row + 1][column], best[row][column + 1], alike + best[row + 1][column + 1] if alike else 0.0
            )
    steps: list[_Step] = []
    row = column = 0
    while row < height and column < width:
        if best[row][column] == best[row + 1][column]:
            steps.append(_Step(old[row], None))
            row += 1
        elif best[row][column] == best[row][column + 1]:
            steps.append(_Step(None, new[column]))
            column += 1
        else:
            steps.append(_Step(old[row], new[column]))
            row, column = row + 1, column + 1
    return [*steps, *(_Step(unit, None) for unit in old[row:]), *(_Step(None, node) for node in new[column:])]


def _either(unit: _Unit, node: Node, *, exact: bool) -> list[_Step]:
    return (
        [_Step(unit, node)]
        if kind_of(unit.node, exact=exact) == kind_of(node, exact=exact)
        else [_Step(unit, None), _Step(None, node)]
    )


def _counted(node: Node) -> Counter[str]:
    """Counts the words in the beginning of a block."""
    return Counter(_WORDS.findall(to_text(node)[:_WEIGHED_CHARACTERS]))


def _likeness(one: tuple[Node, Counter[str]], other: tuple[Node, Counter[str]], *, exact: bool) -> float:
    """Returns 0 where one can't become the other, up to 1 where they have the same words."""
    if kind_of(one[0], exact=exact) != kind_of(other[0], exact=exact):
        return 0.0
    words, others = one[1], other[1]
    total = words.total() + others.total()
    alike = 2 * (words & others).total() / total if total else 1.0
    if shown_type(one[0]) in TEXTBLOCKS:
        return alike if alike >= _MIN_LIKENESS else 0.0
    return max(alike, 0.01)  # lists and tables become others of their kind rather than go


def _apply(parent: Parent, steps: Sequence[_Step], first: int, *, exact: bool) -> None:
    """Takes the steps from the last to the first, so that places before them stay what they are."""
    places = _places(parent, steps, first)
    for step in steps:
        if step.is_kept and step.unit:
            for container in step.unit.block.containers():
                container.rest += 1
    left = Counter(id(empty) for step in steps if (empty := _empty_container(step)) is not None)
    gone = _Deletions()
    for step, place in zip(reversed(steps), reversed(places), strict=True):
        unit, node = step.unit, step.node
        if unit is None:
            assert node is not None
            gone.flush()
            yxml.insert(place[0], place[1], (node,))
        elif node is not None:
            if node is not unit.node:
                _patch_block(unit.block.element, unit.node, node, exact=exact)
        elif (empty := _empty_container(step)) is not None:
            left[id(empty)] -= 1
            if not left[id(empty)]:
                gone.flush()
                del empty.parent.children[empty.at]
        else:
            gone.add(unit.block)
    gone.flush()


def _empty_container(step: _Step) -> Container | None:
    """Returns the container that is deleted with a block, since nothing else is left in it."""
    if step.unit is None or step.node is not None or step.unit.block.container is None:
        return None
    outermost = step.unit.block.container.outermost
    return None if outermost.rest else outermost


class _Deletions:
    """Deletes blocks, from the last to the first; neighbours at once."""

    def __init__(self) -> None:
        self._seen: set[int] = set()
        self._parent: Parent | None = None
        self._start = self._end = 0

    def add(self, block: OldBlock) -> None:
        """Deletes a block. The last paragraph of a container that stays is emptied: the container may need one to be valid."""
        if id(block) in self._seen:
            return
        self._seen.add(id(block))
        container = block.container
        if container is not None and not container.is_filled and block.tags[block.node.type] == 1:
            self.flush()
            if shown_type(block.node) == "paragraph":
                patch_inline(block.element, (), is_code=False, exact=False)
                return
            if len(block.parent.children) == 1:
                yxml.insert(block.parent, block.at + 1, (_EMPTY,))
        block.tags[block.node.type] -= 1
        if self._parent is not block.parent or self._start != block.at + 1:
            self.flush()
            self._parent, self._end = block.parent, block.at + 1
        self._start = block.at

    def flush(self) -> None:
        """Deletes what was put together."""
        if self._parent is not None:
            del self._parent.children[self._start : self._end]
        self._parent = None


def _places(parent: Parent, steps: Sequence[_Step], first: int) -> list[tuple[Parent, int]]:
    """Returns for each step the parent and index at which it inserts; never before index `first`."""
    behind: list[_Step | None] = []
    following: _Step | None = None
    for step in reversed(steps):
        behind.append(following)
        following = step if step.unit is not None else following
    places: list[tuple[Parent, int]] = []
    before: _Step | None = None
    for step, after in zip(steps, reversed(behind), strict=True):
        if step.unit is not None:
            places.append((parent, first))
            before = step
            continue
        place = _place(parent, before, after, first)
        container = _container_of(place[0], before, after)
        if container is not None:
            container.is_filled = True
        while container is not None:
            container.rest += 1
            container = container.around
        places.append(place)
    return places


def _container_of(parent: Parent, *steps: _Step | None) -> Container | None:
    for step in steps:
        if step is not None and step.unit is not None and step.unit.block.parent is parent:
            return step.unit.block.container
    return None


def _place(parent: Parent, before: _Step | None, after: _Step | None, first: int) -> tuple[Parent, int]:
    """Returns where a block is inserted: in the place of a deleted one, else as far out as its neighbours allow."""
    left, right = before.unit.block if before and before.unit else None, after.unit.block if after and after.unit else None
    if left is not None and before is not None and before.node is None:
        return left.parent, left.at + 1
    if right is not None and after is not None and after.node is None:
        return right.parent, right.at
    if left is None or right is None:
        return _outside(parent, left, right, first)
    common = {id(container) for container in left.containers()} & {id(container) for container in right.containers()}
    if left.parent is right.parent:
        return left.parent, left.at + 1
    if not common:
        return _outside(parent, left, right, first)
    # Within one container, but not beside each other: columns, or a summary and what it sums up. A block stands beside its like.
    return (left.parent, left.at + 1) if left.node.type in TEXTBLOCKS else (right.parent, right.at)


def _outside(parent: Parent, left: OldBlock | None, right: OldBlock | None, first: int) -> tuple[Parent, int]:
    block = left or right
    if block is None:
        return parent, first
    at = block.at
    for container in block.containers():
        at = container.at
    return parent, at + 1 if left is not None else at


def _patch_block(element: XmlElement, old: Node, new: Node, *, exact: bool) -> None:
    names = dict.fromkeys({**old.attrs, **new.attrs}) if exact else _SAID.get(new.type, {})
    for name, none in names.items():
        wanted = new.attrs.get(name, none)
        if old.attrs.get(name, none) != wanted:
            if wanted is None:
                del element.attributes[name]
            else:
                element.attributes[name] = wanted
    if exact:
        if any(child.text is not None or child.type in ("hardBreak", "mention") for child in (*old.content, *new.content)):
            patch_inline(element, new.content, is_code=False, exact=True)
        else:
            patch_blocks(element, new.content, old.content, exact=True)
    elif shown_type(new) in TEXTBLOCKS:
        patch_inline(element, new.content, is_code=new.type == "codeBlock", exact=False)
    elif new.type == "table":
        match_columns(element, new)
        patch_blocks(element, new.content)
    elif new.type == "tableRow":
        _patch_row(element, old, new)
    elif new.content:
        patch_blocks(element, new.content, old.content)


def _patch_row(row: XmlElement, old: Node, new: Node) -> None:
    """Matches cells by their place; a cell is a header only where the document has one."""
    cells = yxml.children(row)
    for at in range(len(old.content) - 1, len(new.content) - 1, -1):
        del row.children[at]
    for element, before, after in zip(cells, old.content, new.content, strict=False):
        if isinstance(element, XmlElement) and block_to_markdown(before) != block_to_markdown(after):
            patch_blocks(element, after.content, before.content)
    more = new.content[len(old.content) :]
    spans = any(cell.attrs.get(name, 1) != 1 for cell in old.content for name in ("colspan", "rowspan"))
    yxml.insert(row, len(old.content), tuple(cell for cell in more if not spans or block_to_markdown(cell)))
