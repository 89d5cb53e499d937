"""The tree of a rich text: ProseMirror's nodes and marks, with the names of TipTap's StarterKit, tables, task lists, images and
mentions.

Blocks: doc, paragraph, heading{level}, codeBlock{language}, blockquote, bulletList, orderedList{start}, listItem, taskList,
taskItem{checked}, table, tableRow, tableHeader, tableCell, horizontalRule, image{src, alt, title}. Inline: text, hardBreak,
mention{id, label}. Marks: link{href, title}, bold, italic, strike, underline, code. Nodes and marks of other names are kept, and
shown by what they contain.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

TEXTBLOCKS = frozenset({"paragraph", "heading", "codeBlock"})
LISTS = frozenset({"bulletList", "orderedList", "taskList"})
BLOCKS = TEXTBLOCKS | LISTS | {"blockquote", "table", "horizontalRule", "image"}
INVISIBLE_BLANKS = " \t\v"  # white space that no reader of Markdown shows at the ends of lines
INLINE = frozenset({"hardBreak", "mention", "image"})
CODE_LINK = "code"  # the `class` of a link whose text is code: TipTap lets code have no other mark
_RANK = {name: rank for rank, name in enumerate(("link", "underline", "strike", "bold", "italic", "code"))}
# y-prosemirror tells marks of one kind that may overlap apart by a hash behind the name.
_HASHED = re.compile(r"(.*)--[a-zA-Z0-9+/=]{8}", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Mark:
    """Formatting of text. `type` is the name in the Yjs document: `name`, or `name--hash`."""

    type: str
    attrs: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        hashed = _HASHED.fullmatch(self.type)
        return hashed[1] if hashed else self.type


@dataclass(frozen=True, slots=True)
class Node:
    """A block, an inline node or, where `text` is not None, a run of text with its marks in the order of their rank."""

    type: str
    attrs: Mapping[str, Any] = field(default_factory=dict)
    content: tuple["Node", ...] = ()
    text: str | None = None
    marks: tuple[Mark, ...] = ()

    def walk(self) -> Iterator["Node"]:
        """Itself and all nodes within, in the order of the text."""
        yield self
        for child in self.content:
            yield from child.walk()

    @property
    def plain(self) -> str:
        """The text of all runs within, with nothing between them."""
        return self.text if self.text is not None else "".join(child.plain for child in self.content)


def text_run(text: str, marks: Iterable[Mark] = ()) -> Node:
    """A run of text."""
    return Node("text", text=text, marks=sort_marks(marks))


def sort_marks(marks: Iterable[Mark]) -> tuple[Mark, ...]:
    """Marks in the one order in which trees hold them: Yjs keeps none, so equal trees need one."""
    return tuple(sorted(marks, key=lambda mark: (_RANK.get(mark.type, len(_RANK)), mark.type)))


def is_textblock(node: Node) -> bool:
    """Returns whether a block holds text itself, whatever its name."""
    return node.type in TEXTBLOCKS or any(
        child.text is not None or child.type in ("hardBreak", "mention") for child in node.content
    )


def join_runs(nodes: Iterable[Node]) -> tuple[Node, ...]:
    """Inline nodes with runs of the same marks made one, and empty ones left out."""
    whole: list[Node] = []
    run: list[Node] = []

    def end() -> None:
        whole.extend(run if len(run) < 2 else (replace(run[0], text="".join(node.text or "" for node in run)),))
        run.clear()

    for node in nodes:
        if node.text == "":
            continue
        if run and (node.text is None or run[0].marks != node.marks):
            end()
        if node.text is None:
            whole.append(node)
        else:
            run.append(node)
    end()
    return tuple(whole)


def without_images(block: Node) -> tuple[Node, ...]:
    """A text block as the blocks that it becomes when each image is a block of its own, as TipTap's are."""
    if block.type not in ("paragraph", "heading") or not any(child.type == "image" for child in block.content):
        return (block,)
    blocks: list[Node] = []
    run: list[Node] = []
    for child in (*block.content, None):
        if child is not None and child.type != "image":
            run.append(child)
            continue
        kept = trim_blanks(run)
        run = []
        if kept:
            blocks.append(replace(block, content=kept))
        if child is not None:
            blocks.append(child)
    return tuple(blocks)


def trim_blanks(run: Sequence[Node]) -> tuple[Node, ...]:
    """Inline nodes without breaks and blanks at the ends."""

    def blank(node: Node) -> bool:
        code = any(mark.name == "code" or mark.attrs.get("class") == CODE_LINK for mark in node.marks)
        return node.type == "hardBreak" or (node.text is not None and not node.text.strip(INVISIBLE_BLANKS) and not code)

    start, end = 0, len(run)
    while start < end and blank(run[start]):
        start += 1
    while start < end and blank(run[end - 1]):
        end -= 1
    return tuple(run[start:end])


def to_json(node: Node) -> dict[str, Any]:
    """ProseMirror's JSON."""
    out: dict[str, Any] = {"type": node.type}
    if node.attrs:
        out["attrs"] = dict(node.attrs)
    if node.text is not None:
        out["text"] = node.text
    if node.content:
        out["content"] = [to_json(child) for child in node.content]
    if node.marks:
        out["marks"] = [
            {"type": mark.name, "attrs": dict(mark.attrs)} if mark.attrs else {"type": mark.name} for mark in node.marks
        ]
    return out
