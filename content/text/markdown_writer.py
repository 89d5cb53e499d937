"""Rich text as Markdown: CommonMark with tables, task lists and strike-through.

Written so that reading it gives what was written: neighbouring lists change their sign, neighbouring quotes are kept apart by an empty
comment, the rule is `___` (a line of dashes could be an underlined heading, or the end of a slide), and what Markdown doesn't have is
left out: empty paragraphs, cells over several columns, blocks within cells (their lines stand there, apart by `<br>`).
"""

import re
from collections.abc import Iterable

from content.text.html_writer import first_number, heading_level
from content.text.inline_writer import image, inline
from content.text.plain_text import textblocks
from content.text.tree import LISTS, Node, without_images

RULE = "___"
_APART = "<!-- -->"
_AT_START = (
    (re.compile(r"(#{1,6}|[-+])(?=\s|$)|>|(?:=+|-+)\s*$"), r"\\\g<0>"),
    (re.compile(r"(\d{1,9})([.)])(?=\s|$)"), r"\1\\\2"),
    (re.compile(r"[|:-](?=[\s|:-]*$)"), r"\\\g<0>"),
)


def to_markdown(doc: Node) -> str:
    """The blocks of a tree; the last line is ended, and nothing is the empty string."""
    lines = _blocks(doc.content, within=False)
    return "\n".join(lines) + "\n" if lines else ""


def block_to_markdown(node: Node) -> str:
    """One block by itself; of an item, a row or a cell what is in it."""
    if node.type == "tableRow":
        return " | ".join(_cell(cell) for cell in node.content)
    if node.type in ("tableCell", "tableHeader"):
        return _cell(node)
    if node.type in ("listItem", "taskItem"):
        return _box(node) + "\n".join(_blocks(node.content, within=True))
    return "\n".join(_blocks((node,), within=False))


def _blocks(nodes: Iterable[Node], *, within: bool, tight: bool = False) -> list[str]:
    lines: list[str] = []
    before: Node | None = None
    other = False
    for node in (part for whole in nodes for part in without_images(whole)):
        follows = before is not None and before.type in LISTS and node.type in LISTS
        changed = follows and _ordered(before) == _ordered(node) and not other
        written = _block(node, within=within, other=changed)
        if not written:
            continue
        other = changed
        if lines:
            lines += [] if tight else [""]
            if before is not None and before.type == node.type == "blockquote":
                lines += [_APART, ""]
        lines += written
        before = node
    return lines


def _block(node: Node, *, within: bool, other: bool) -> list[str]:
    match node.type:
        case "paragraph":
            return _paragraph(node)
        case "heading":
            text = inline(node.content, hard_break="<br>")
            text = re.sub(r"#+$", lambda found: "\\" + found[0], text)
            return [f"{'#' * heading_level(node)} {text}".rstrip()]
        case "codeBlock":
            return _code(node, within=within)
        case "blockquote":
            return [f"> {line}" if line else ">" for line in _blocks(node.content, within=True)]
        case "bulletList" | "orderedList" | "taskList":
            return _list(node, other=other)
        case "table":
            return _table(node)
        case "horizontalRule":
            return [RULE]
        case "image":
            written = image(node)
            return [written] if written else []
    if any(child.text is not None for child in node.content):
        return _paragraph(node)
    return _blocks(node.content, within=within)


def _paragraph(node: Node) -> list[str]:
    text = inline(node.content)
    return [_escaped_start(line) for line in text.split("\n")] if text else []


def _escaped_start(line: str) -> str:
    for pattern, written in _AT_START:
        if pattern.match(line):
            return pattern.sub(written, line, count=1)
    return line


def _code(node: Node, *, within: bool) -> list[str]:
    text = re.sub("\r\n?", "\n", node.plain).replace("\0", "\ufffd")
    if within:  # a tab there would be taken for a part of the indentation
        text = re.sub("^[ \t]+", lambda found: found[0].replace("\t", "    "), text, flags=re.MULTILINE)
    longest = max((len(run) for run in re.findall("`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    language = re.sub(r"[\s`\\&]+", "", str(node.attrs.get("language") or ""))
    return [fence + language, *text.split("\n"), fence] if text else [fence + language, fence]


def _list(node: Node, *, other: bool) -> list[str]:
    items = [item for item in node.content if item.type in ("listItem", "taskItem")]
    inner = [_item(item) for item in items]
    loose = not all(_is_short(item) for item in items)
    first = first_number(node)
    lines: list[str] = []
    for number, (item, written) in enumerate(zip(items, inner, strict=True), first):
        sign = f"{number}{')' if other else '.'} " if _ordered(node) else "* " if other else "- "
        box = _box(item) if node.type == "taskList" else ""
        body = [box + (written[0] if written else ""), *written[1:]] if box or written else [""]
        if lines and loose:
            lines.append("")
        lines.append((sign + body[0]).rstrip(" "))
        lines += [" " * len(sign) + line if line else "" for line in body[1:]]
    return lines


def _item(item: Node) -> list[str]:
    written = _blocks(item.content, within=True, tight=_is_short(item))
    if item.type == "taskItem" and item.content and written and not _begins_with_text(item):
        return ["", "", *written]
    return written


def _begins_with_text(item: Node) -> bool:
    return item.content[0].type == "paragraph" and _says(item.content[0])


def _box(item: Node) -> str:
    if item.type != "taskItem":
        return ""
    return "[x] " if item.attrs.get("checked") else "[ ] "


def _is_short(item: Node) -> bool:
    """Whether an item may stand without empty lines: one block, or a paragraph and one list that may interrupt it."""
    written = [child for child in item.content if _says(child)]
    if len(written) < 2:
        return item.type != "taskItem" or not written or _begins_with_text(item)
    if len(written) > 2 or written[0].type != "paragraph" or written[1].type not in ("bulletList", "orderedList", "taskList"):
        return False
    nested = written[1]
    begins = nested.type == "taskList" or any(_says(child) for child in nested.content[0].content)
    return begins and (not _ordered(nested) or first_number(nested) == 1)


def _says(node: Node) -> bool:
    """Whether a block has a line, told without writing it: lists ask this of what is in them, at every level."""
    match node.type:
        case "heading" | "codeBlock" | "horizontalRule":
            return True
        case "bulletList" | "orderedList" | "taskList":
            return any(item.type in ("listItem", "taskItem") for item in node.content)
        case "table":
            return any(row.type == "tableRow" and row.content for row in node.content)
        case "image":
            return bool(image(node))
    if node.type == "paragraph" or (node.type != "blockquote" and any(child.text is not None for child in node.content)):
        return bool(inline(node.content))
    return any(_says(part) for child in node.content for part in without_images(child))


def _ordered(node: Node | None) -> bool:
    return node is not None and node.type == "orderedList"


def _table(node: Node) -> list[str]:
    rows = [[_cell(cell) for cell in row.content] for row in node.content if row.type == "tableRow"]
    columns = max((len(row) for row in rows), default=0)
    if not columns:
        return []
    full = [row + [""] * (columns - len(row)) for row in rows]
    lines = ["| " + " | ".join(row) + " |" for row in full]
    return [lines[0], "|" + " --- |" * columns, *lines[1:]]


def _cell(cell: Node) -> str:
    lines: list[str] = []
    for child in cell.content:
        if child.type == "image":
            lines.append(image(child))
            continue
        for holder in textblocks(child):
            lines += [
                image(part) if part.type == "image" else inline(part.content, hard_break="<br>")
                for part in without_images(holder)
            ]
    whole = [re.sub("^(?:<br>)+", "", line) for line in lines]
    return "<br>".join(line for line in whole if line).replace("|", "\\|")
