"""Changes the content of a text block: words within their texts; breaks, mentions and pictures as a whole.

As Markdown, what it has no sign for stays where it is, and texts on both sides of it are one to their reader.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import orjson
from pycrdt import XmlElement, XmlFragment, XmlText

from content.alignment import gaps, matches
from content.text import inline_writer, yxml
from content.text.patch_text import patch_text
from content.text.text_group import TextGroup
from content.text.tree import INLINE, Node, to_json


@dataclass(frozen=True, slots=True)
class _Unit:
    """A text, with the empty key, or another inline node; children `at` up to `end` of their block."""

    key: str
    at: int
    end: int
    group: TextGroup | None = None


def patch_inline(element: XmlElement, new: Sequence[Node], *, is_code: bool, exact: bool) -> None:
    """Makes a block hold these inline nodes."""
    old, wanted = _units(element, exact=exact), segments(new)
    keys = [unit.key for unit in old]
    others = ["" if part[0].text is not None else _key(part[0], exact=exact) for part in wanted]
    kept = [
        pair
        for here, there, length in matches(keys, others)
        for pair in zip(range(here, here + length), range(there, there + length), strict=True)
    ]
    behind = old[-1].end if old else 0
    for start, end, begin, stop in reversed(gaps(keys, others)):
        place = old[start].at if start < len(old) else behind
        for unit in reversed(old[start:end]):
            _delete(element, unit)
        yxml.insert(element, place, tuple(node for part in wanted[begin:stop] for node in part))
    for here, there in kept:
        group = old[here].group
        if group is not None:
            starts = there == 0 or wanted[there - 1][0].type == "hardBreak"
            ends = there == len(wanted) - 1 or wanted[there + 1][0].type == "hardBreak"
            patch_text(group, wanted[there], exact=exact, keep_start=starts and not is_code, keep_end=ends and not is_code)


def segments(nodes: Sequence[Node]) -> list[tuple[Node, ...]]:
    """Inline nodes as children of an element: neighbouring runs are one."""
    parts: list[tuple[Node, ...]] = []
    for node in nodes:
        if parts and node.text is not None and parts[-1][0].text is not None:
            parts[-1] = (*parts[-1], node)
        else:
            parts.append((node,))
    return parts


def text_groups(parent: XmlFragment | XmlElement) -> Iterator[TextGroup]:
    """All texts below, in order, each as Markdown shows it."""
    children = yxml.children(parent)
    if any(isinstance(child, XmlText) for child in children):
        yield from (unit.group for unit in _units(parent, exact=False) if unit.group is not None)
        return
    for child in children:
        if isinstance(child, XmlElement):
            yield from text_groups(child)


def _units(parent: XmlFragment | XmlElement, *, exact: bool) -> list[_Unit]:
    units: list[_Unit] = []
    group: TextGroup | None = None
    for at, child in enumerate(yxml.children(parent)):
        node = yxml.read_element(child) if isinstance(child, XmlElement) else None
        if node is not None and (exact or node.type in INLINE):
            key = _key(node, exact=exact)
            if key:
                units.append(_Unit(key, at, at + 1))
                group = None
            continue
        texts = [child] if isinstance(child, XmlText) else list(_texts(child))
        if not texts:
            continue
        if group is None:
            group = TextGroup()
            units.append(_Unit("", at, at + 1, group))
        units[-1] = _Unit("", units[-1].at, at + 1, group)
        for text in texts:
            group.add(text)
    return units


def _texts(element: XmlElement) -> Iterator[XmlText]:
    for child in yxml.children(element):
        if isinstance(child, XmlText):
            yield child
        else:
            yield from _texts(child)


def _key(node: Node, *, exact: bool) -> str:
    if exact:
        return orjson.dumps(to_json(node), option=orjson.OPT_SORT_KEYS).decode()
    return "\n" if node.type == "hardBreak" else inline_writer.inline((node,))


def _delete(element: XmlElement, unit: _Unit) -> None:
    """Deletes an inline node, or a text without the unknown nodes between its parts."""
    if unit.group is None or (unit.end == unit.at + 1 and isinstance(element.children[unit.at], XmlText)):
        del element.children[unit.at]
    else:
        unit.group.delete(0, len(unit.group))
