"""Makes the columns of a table those of another, so that its rows can be compared cell by cell."""

from collections.abc import Sequence

from pycrdt import XmlElement

from content.alignment import gaps
from content.text import markdown_writer, yxml
from content.text.tree import Node

_SPANS = ("colspan", "rowspan")


def match_columns(table: XmlElement, new: Node) -> None:
    """Adds and delete columns as the first rows tell, and align them. Where cells span others, columns stay as they are."""
    rows = _rows(table)
    if not rows:
        return
    old = [node for _, node in rows]
    counts, wanted = {len(row.content) for row in old}, {len(row.content) for row in new.content}
    has_spans = any(cell.attrs.get(name, 1) != 1 for row in old for cell in row.content for name in _SPANS)
    if len(counts) == len(wanted) == 1 and counts != wanted and not has_spans:
        changes = gaps(_keys(old[0]), _keys(new.content[0]))
        for element, row in rows:
            _match_row(element, row, changes)
        rows = _rows(table)
    _align(rows, new)


def _rows(table: XmlElement) -> list[tuple[XmlElement, Node]]:
    children = [child for child in yxml.children(table) if isinstance(child, XmlElement) and child.tag == "tableRow"]
    return [(child, yxml.read_element(child)) for child in children]


def _keys(row: Node) -> list[str]:
    return [markdown_writer.block_to_markdown(cell) for cell in row.content]


def _match_row(element: XmlElement, row: Node, changes: Sequence[tuple[int, int, int, int]]) -> None:
    for start, end, begin, stop in reversed(changes):
        both = min(end - start, stop - begin)
        for at in range(end - 1, start + both - 1, -1):
            del element.children[at]
        more = stop - begin - both
        beside = row.content[max(min(start + both, len(row.content)) - 1, 0)].type if row.content else "tableCell"
        yxml.insert(element, start + both, (Node(beside, content=(Node("paragraph"),)),) * more)


def _align(rows: Sequence[tuple[XmlElement, Node]], new: Node) -> None:
    columns = max((len(row.content) for _, row in rows), default=0)
    was = markdown_writer.alignments([row for _, row in rows], columns)
    wanted = markdown_writer.alignments(new.content, columns)
    for column in range(columns):
        if was[column] == wanted[column]:
            continue
        for element, row in rows:
            if column >= len(row.content):
                continue
            cell = yxml.children(element)[column]
            if isinstance(cell, XmlElement):
                _set_align(cell, row.content[column], wanted[column])


def _set_align(cell: XmlElement, node: Node, align: str | None) -> None:
    if align is not None:
        cell.attributes["align"] = align
    elif "align" in node.attrs:
        del cell.attributes["align"]
