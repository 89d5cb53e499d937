"""Writes the tree of a rich text as Markdown: CommonMark with GFM's tables, task lists and strike-through.

Written so that parsing it gives what was written:

- Neighbouring lists of one kind change their sign; a list and a list of tasks are written as one, which the parser parts again.
- Neighbouring quotes are kept apart by an empty comment.
- The rule is `___`: a line of dashes could be an underlined heading, or the end of a slide.
- A paragraph that is a comment of HTML is written as one.
- An empty paragraph between others is `&nbsp;`; those at the beginning and the end, which editors add as they like, are left out.

What Markdown doesn't have is left out: cells over several columns, and blocks within cells (their lines stand there, apart by
`<br>`). Blocks of names that are not known here are written as what is in them (`visible_blocks`).
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from content.text.html_writer import first_number, heading_level
from content.text.inline_writer import image, inline, is_blank, keys, shown, with_whole_ends
from content.text.markdown_parser import EMPTY_PARAGRAPH
from content.text.plain_text import textblocks
from content.text.tree import BLOCKS, INVISIBLE_BLANKS, LISTS, Node, is_textblock, trim_blanks, without_images

RULE = "___"
_APART = "<!-- -->"
_AT_START = (
    (re.compile(r"(#{1,6}|[-+])(?=\s|$)|>|(?:=+|-+)\s*$"), r"\\\g<0>"),
    (re.compile(r"(\d{1,9})([.)])(?=\s|$)"), r"\1\\\2"),
    (re.compile(r"[|:-](?=[\s|:-]*$)"), r"\\\g<0>"),
)
_DEFINITION = re.compile(r"\[(?:[^\[\]\\]|\\.)*\]:")
_COMMENT = re.compile(r"<!--(?!-?>)(?:(?!-->)[^\0])*-->")
_SPECIAL_COMMENT = re.compile(r"<!--\s*-->|<!-- notes: |(?s:.*)\n\s*\n")
_LINE_END = re.compile("[\r\n\0]")
_ESCAPED_BOX = re.compile(r"\\\[([ xX])\\\](?=\s|$)")


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


def visible_blocks(nodes: Iterable[Node]) -> Iterator[Node]:
    """Blocks as Markdown has them: what is in a block of another name in its place, and each image a block of its own.

    Empty paragraphs in a block of another name are left out, as editors keep them there so that it holds something.
    """
    for node in nodes:
        if node.type in BLOCKS or is_textblock(node):
            yield from without_images(node)
        else:
            yield from (block for block in visible_blocks(node.content) if not is_empty_paragraph(block))


def items_of(node: Node) -> list[Node]:
    """The items of a list; what else stands in one is an item too."""
    return [item if item.type in ("listItem", "taskItem") else Node("listItem", content=(item,)) for item in node.content]


def is_empty_paragraph(node: Node) -> bool:
    """Returns whether a block is a paragraph that says nothing."""
    return node.type == "paragraph" and is_blank(node.content)


def _blocks(nodes: Iterable[Node], *, within: bool, tight: bool = False, in_list: str = "") -> list[str]:
    lines: list[str] = []
    before: Node | None = None
    is_other_sign = False
    empties = 0
    for node in visible_blocks(nodes):
        if is_empty_paragraph(node):
            empties += 1
            continue
        follows = before is not None and not empties and before.type in LISTS and node.type in LISTS
        goes_on = follows and before is not None and {before.type, node.type} == {"bulletList", "taskList"}
        is_other = is_other_sign if goes_on else follows and before is not None and before.type == node.type and not is_other_sign
        written = _block(node, within=within, other=is_other, in_list="" if lines else in_list)
        if not written:
            continue
        is_other_sign = is_other
        if lines:
            for _ in range(empties):
                lines += ["", EMPTY_PARAGRAPH]
            is_tight = tight or (goes_on and before is not None and _is_tight(before) and _is_tight(node))
            lines += [] if is_tight else [""]
            if before is not None and not empties and before.type == node.type == "blockquote":
                lines += [_APART, ""]
        lines += written
        before, empties = node, 0
    return lines


def _block(node: Node, *, within: bool, other: bool, in_list: str) -> list[str]:
    match node.type:
        case "heading":
            text = inline(node.content, hard_break="<br>")
            text = re.sub(r"#+$", lambda found: "\\" + found[0], text)
            return [f"{'#' * heading_level(node)} {text}".rstrip()]
        case "codeBlock":
            return _code(node, within=within)
        case "blockquote":
            return [f"> {line}" if line else ">" for line in _blocks(node.content, within=True) or [""]]
        case "bulletList" | "orderedList" | "taskList":
            return _list(node, other=other)
        case "table":
            return _table(node)
        case "horizontalRule":
            return [RULE]
        case "image":
            written = image(node)
            return [written] if written else []
    return _paragraph(node, in_list=in_list)


def _paragraph(node: Node, *, in_list: str) -> list[str]:
    """The lines of a paragraph; `in_list`: the type of the list one of whose items it begins."""
    comment = _comment(node)
    if comment and not (in_list == "taskList" and "\n" in comment):  # behind a box it is within a text, whose lines have signs
        return comment.split("\n")
    text = inline(node.content)
    if not text:
        return []
    if in_list == "orderedList":  # only lists of dashes have boxes that are ticked: there it is text, also when it is not escaped
        text = _ESCAPED_BOX.sub(r"[\1]", text, count=1) if _ESCAPED_BOX.match(text) else text
    return [_escaped_start(line) for line in text.split("\n")]


def _comment(node: Node) -> str:
    """A paragraph that is a comment of HTML, which is text to the parser; not one that says something to it.

    Decided by what Markdown says of the paragraph: marks that it does not have, and blanks at the ends, make no difference.
    """
    parts = list(shown(node.content))
    if not all(part.type == "hardBreak" or (part.text is not None and not keys(part.marks)) for part in parts):
        return ""
    text = "".join("\n" if part.type == "hardBreak" else _LINE_END.sub("\0", part.text or "") for part in parts)
    text = text.strip(INVISIBLE_BLANKS)
    return text if _COMMENT.fullmatch(text) and not _SPECIAL_COMMENT.match(text) else ""


def _escaped_start(line: str) -> str:
    if _DEFINITION.match(line):  # the label is code: a bracket there cannot be escaped
        return "<em></em>" + line
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
    info = re.sub(r"[\s`\\&]+", "", str(node.attrs.get("language") or ""))
    if info and node.attrs.get("meta"):
        info += " " + re.sub(r"[`\\&]+", "", " ".join(str(node.attrs["meta"]).split()))
    return [fence + info, *text.split("\n"), fence] if text else [fence + info, fence]


def _list(node: Node, *, other: bool) -> list[str]:
    items = items_of(node)
    inner = [_item(item, in_list=node.type) for item in items]
    tight = all(map(_is_short, items))
    lines: list[str] = []
    for number, (item, written) in enumerate(zip(items, inner, strict=True), first_number(node)):
        sign = f"{number}{')' if other else '.'} " if node.type == "orderedList" else "* " if other else "- "
        box = _box(item) if node.type == "taskList" else ""
        body = [box + (written[0] if written else ""), *written[1:]] if box or written else [""]
        if lines and not tight:
            lines.append("")
        lines.append((sign + body[0]).rstrip(" "))
        lines += [" " * len(sign) + line if line else "" for line in body[1:]]
    return lines


def _is_tight(node: Node) -> bool:
    return all(map(_is_short, items_of(node)))


def _item(item: Node, *, in_list: str) -> list[str]:
    written = _blocks(item.content, within=True, tight=_is_short(item), in_list=in_list)
    if item.type == "taskItem" and item.content and written and not _begins_with_text(item):
        return ["", "", *written]
    return written


def _begins_with_text(item: Node) -> bool:
    first = next((block for block in visible_blocks(item.content) if not is_empty_paragraph(block)), None)
    return first is not None and first.type == "paragraph"


def _box(item: Node) -> str:
    if item.type != "taskItem":
        return ""
    return "[x] " if item.attrs.get("checked") else "[ ] "


def _is_short(item: Node) -> bool:
    """Returns whether an item may stand without empty lines: one block, or a paragraph and a list behind it that may interrupt
    it.
    """
    blocks = [child for child in visible_blocks(item.content) if says(child) or child.type == "paragraph"]
    written = [child for child in blocks if says(child)]
    if len(written) < 2:
        return item.type != "taskItem" or not written or _begins_with_text(item)
    first, nested, *more = written
    if inline(first.content) == "<br>":  # alone on its line it begins a block of HTML, which an empty line ends
        return False
    start = blocks.index(first)
    if blocks[start : start + len(written)] != written or first.type != "paragraph" or nested.type not in LISTS:
        return False
    if any({one.type, other.type} != {"bulletList", "taskList"} for one, other in zip([nested, *more], more, strict=False)):
        return False
    begins = nested.type == "taskList" or any(says(child) for child in items_of(nested)[0].content)
    return begins and (nested.type != "orderedList" or first_number(nested) == 1)


def says(node: Node) -> bool:
    """Returns whether a block has a line, told without writing it: lists ask this of what is in them, at every level."""
    match node.type:
        case "heading" | "codeBlock" | "horizontalRule" | "blockquote":
            return True
        case "bulletList" | "orderedList" | "taskList":
            return bool(node.content)
        case "table":
            return any(row.type == "tableRow" and row.content for row in node.content)
        case "image":
            return bool(image(node))
    if is_textblock(node):
        return not is_blank(node.content)
    return any(says(part) for part in visible_blocks(node.content))


def _table(node: Node) -> list[str]:
    rows = [row for row in node.content if row.type == "tableRow"]
    columns = max((len(row.content) for row in rows), default=0)
    if not columns:
        return []
    lines = ["| " + " | ".join([*map(_cell, row.content), *[""] * (columns - len(row.content))]) + " |" for row in rows]
    return [lines[0], "|" + "".join(f" {_DASHES.get(align or '', '---')} |" for align in alignments(rows, columns)), *lines[1:]]


_DASHES = {"left": ":---", "center": ":---:", "right": "---:"}


def alignments(rows: Sequence[Node], columns: int) -> list[str | None]:
    """How each column of a table is aligned: as its first cell."""
    found = [cell.attrs.get("align") for cell in rows[0].content] if rows else []
    known = [align if align in _DASHES else None for align in found]
    return [*known, *[None] * (columns - len(known))]


def _cell(cell: Node) -> str:
    parts = [
        part
        for child in cell.content
        for holder in ((child,) if child.type == "image" else textblocks(child))
        for part in without_images(holder)
    ]
    if any(part.type == "image" for part in parts):  # breaks beside it would be what parts it from the text
        parts = [part if part.type == "image" else replace(part, content=trim_blanks(part.content)) for part in parts]
    lines = [image(part) if part.type == "image" else inline(part.content, hard_break="<br>", is_whole=False) for part in parts]
    return with_whole_ends("<br>".join(line for line in lines if line)).replace("|", "\\|")
