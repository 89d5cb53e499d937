"""Markdown as the tree of a rich text.

The tree fits TipTap's schema (y-prosemirror deletes what does not): an item begins with a paragraph, a cell and a quote hold a block, an
image is a block, code has no other mark. HTML is text, but for `<br>` and the tags of marks; a comment that stands alone is left out.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import unquote

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock, table
from markdown_it.token import Token

from content.text.tree import Mark, Node, joined, without_images, words

_TAGS = {
    "u": "underline",
    "s": "strike",
    "del": "strike",
    "strike": "strike",
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
}
_MARKS = {"strong": "bold", "em": "italic", "s": "strike"}
_TAG = re.compile(r"<(/?)([a-z]+)\s*(/?)>", re.IGNORECASE)
_BOX = re.compile(r"\[([ xX])\](?:[ \t]+|$)")
_EMPTY = Node("paragraph")
# Tables are weighed from so many columns on, by their first rows; and so many cells may always be made up.
_COLUMNS, _ROWS, _MADE_UP = 10, 200, 1_000
_DEEP = 40  # blocks within blocks: with the parts of tables and lists that is less than `content.structure_check.TYPES_DEEP`


def parse(text: str) -> Node:
    """The tree of a Markdown text; any text is Markdown. A document has at least one block."""
    tokens = _Tokens(_markdown().parse(text))
    blocks = tuple(tokens.blocks())
    return Node("doc", content=blocks or (_EMPTY,))


def parse_inline(text: str) -> tuple[Node, ...] | None:
    """The inline nodes of a text that is one paragraph, None where it is more."""
    blocks = parse(text).content
    return blocks[0].content if len(blocks) == 1 and blocks[0].type == "paragraph" else None


def _markdown() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": True, "maxNesting": _DEEP}).enable(["table", "strikethrough"])
    parser.normalizeLink = _same  # type: ignore[method-assign]
    parser.block.ruler.at("table", _whole_table, {"alt": ["paragraph", "reference"]})
    return parser


def _whole_table(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """A table, unless most of its cells would have to be made up: a few lines can ask for a hundred thousand."""
    line = state.src[state.bMarks[start + 1] : state.eMarks[start + 1]] if start + 2 <= end else ""
    columns = line.count("|") + 1
    if columns > _COLUMNS and not line.strip(" \t>|:-"):
        last = min(end, start + _ROWS)
        rows = next((at for at in range(start, last) if state.isEmpty(at)), last) - start
        if columns * rows > 2 * (state.eMarks[start + rows - 1] - state.bMarks[start]) + _MADE_UP:
            return False
    return table(state, start, end, silent)


def _same(url: str) -> str:
    return url


class _Tokens:
    """Reads markdown-it's tokens, a flat list with openings and closings."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._at = 0

    def blocks(self) -> Iterator[Node]:
        """The blocks up to the closing token that belongs to the caller."""
        while self._at < len(self._tokens):
            token = self._tokens[self._at]
            self._at += 1
            if token.nesting < 0:
                return
            yield from self._block(token)

    def _block(self, token: Token) -> Iterator[Node]:
        match token.type:
            case "paragraph_open":
                yield from without_images(Node("paragraph", content=self._inline()))
            case "heading_open":
                yield from without_images(Node("heading", {"level": int(token.tag[1])}, self._inline()))
            case "fence" | "code_block":
                language = token.info.strip().split(" ")[0]
                text = token.content.removesuffix("\n")
                yield Node("codeBlock", {"language": language} if language else {}, (words(text),) if text else ())
            case "blockquote_open":
                yield Node("blockquote", content=tuple(self.blocks()) or (_EMPTY,))
            case "bullet_list_open":
                yield self._list(Node("bulletList"))
            case "ordered_list_open":
                yield Node("orderedList", {"start": int(token.attrs.get("start", 1))}, self._list(Node("orderedList")).content)
            case "table_open":
                yield Node("table", content=tuple(self._rows()))
            case "hr":
                yield Node("horizontalRule")
            case "html_block":
                if not re.fullmatch(r"\s*(?:<!--.*?-->\s*)*", token.content, re.DOTALL):
                    lines = token.content.strip("\n").split("\n")
                    nodes = [part for line in lines for part in (words(line), Node("hardBreak"))][:-1]
                    yield Node("paragraph", content=joined(nodes))
            case _:
                if token.nesting > 0:
                    yield from self.blocks()

    def _list(self, node: Node) -> Node:
        start = self._at
        items = [_item(tuple(self.blocks())) for _ in self._items()]
        if node.type == "bulletList" and items:
            boxes = self._boxes(start)
            if len(boxes) == len(items) and all(boxes):
                done = [
                    Node("taskItem", {"checked": box[1] in "xX"}, (_unboxed(item.content[0], box[0]), *item.content[1:]))
                    for item, box in zip(items, boxes, strict=True)
                    if box
                ]
                return Node("taskList", content=tuple(done))
        return replace(node, content=tuple(items))

    def _items(self) -> Iterator[Token]:
        """The openings of a list's items; the caller reads what is in each. Ends behind the list."""
        while True:
            token = self._tokens[self._at]
            self._at += 1
            if token.nesting < 0:
                return
            yield token

    def _boxes(self, start: int) -> list[re.Match[str] | None]:
        """For each item of the list that began there the box that its text begins with, if it does."""
        boxes: list[re.Match[str] | None] = []
        level = self._tokens[start].level
        for at in range(start, self._at):
            if self._tokens[at].type != "list_item_open" or self._tokens[at].level != level:
                continue
            inline = self._tokens[at + 2]
            children = inline.children or [] if inline.type == "inline" and self._tokens[at + 1].type == "paragraph_open" else []
            plain = bool(children) and children[0].type == "text"
            boxes.append(_BOX.match(inline.content.split("\n")[0]) if plain else None)
        return boxes

    def _rows(self) -> Iterator[Node]:
        """The rows of a table, whose tokens are thead and tbody of tr of th and td."""
        depth = 1
        cells: list[Node] = []
        while depth:
            token = self._tokens[self._at]
            self._at += 1
            depth += token.nesting
            if token.type in ("th_open", "td_open"):
                depth -= 1  # its end is read with its content
                paragraph = without_images(Node("paragraph", content=self._inline()))
                cells.append(Node("tableHeader" if token.type == "th_open" else "tableCell", content=paragraph))
            elif token.type == "tr_close":
                yield Node("tableRow", content=tuple(cells))
                cells = []

    def _inline(self) -> tuple[Node, ...]:
        """The content of the block that was opened, and past its end."""
        token = self._tokens[self._at]
        self._at += 1
        if token.type != "inline":  # an empty block
            return ()
        self._at += 1
        return joined(_Inline().read(token.children or []))


class _Inline:
    """Reads the tokens of one line of text with the marks that are open."""

    def __init__(self) -> None:
        self._marks: dict[str, list[Mark]] = {}  # those that are open, by their kind: the innermost last
        self._mention: str | None = None
        self._nodes: list[Node] = []

    def read(self, tokens: list[Token]) -> list[Node]:
        for token in tokens:
            self._token(token)
        return self._nodes

    def _token(self, token: Token) -> None:
        match token.type:
            case "text" | "text_special":
                self._text(token.content)
            case "code_inline":
                self._nodes.append(words(token.content, [Mark("code")]))
            case "softbreak":
                self._text(" ")
            case "hardbreak":
                self._nodes.append(Node("hardBreak"))
            case "html_inline":
                self._html(token.content)
            case "image":
                self._image(token)
            case "link_open":
                self._link(token)
            case "link_close":
                self._link_end()
            case "strong_open" | "em_open" | "s_open":
                self._open(Mark(_MARKS[token.tag]))
            case "strong_close" | "em_close" | "s_close":
                self._close(_MARKS[token.tag])
            case _:
                self._text(token.content)

    def _text(self, text: str) -> None:
        self._nodes.append(words(text, [marks[-1] for marks in self._marks.values() if marks]))

    def _open(self, mark: Mark) -> None:
        self._marks.setdefault(mark.type, []).append(mark)

    def _link(self, token: Token) -> None:
        href = str(token.attrs.get("href", ""))
        if href.startswith("mention:"):
            self._mention = unquote(href.removeprefix("mention:"))
            self._open(Mark("mention"))
            return
        attrs = {"href": href}
        if token.attrs.get("title"):
            attrs["title"] = str(token.attrs["title"])
        self._open(Mark("link", attrs))

    def _link_end(self) -> None:
        if self._mention is None:
            self._close("link")
            return
        label: list[str] = []
        while self._nodes and any(mark.type == "mention" for mark in self._nodes[-1].marks):
            label.append(self._nodes.pop().plain)
        attrs = {"id": self._mention, "label": "".join(reversed(label)).removeprefix("@")}
        self._nodes.append(Node("mention", {key: value for key, value in attrs.items() if value}))
        self._mention = None
        self._close("mention")

    def _close(self, name: str) -> None:
        if marks := self._marks.get(name):
            marks.pop()

    def _html(self, html: str) -> None:
        tag = _TAG.fullmatch(html)
        name = tag[2].lower() if tag else ""
        if tag and name == "br" and not tag[1]:
            self._nodes.append(Node("hardBreak"))
        elif tag and name in _TAGS and not tag[3]:
            if tag[1]:
                self._close(_TAGS[name])
            else:
                self._open(Mark(_TAGS[name]))
        else:
            self._text(html)

    def _image(self, token: Token) -> None:
        alt = "".join(child.content for child in token.children or [])
        attrs = {"src": str(token.attrs.get("src", "")), "alt": alt, "title": str(token.attrs.get("title") or "")}
        self._nodes.append(Node("image", {key: value for key, value in attrs.items() if value}))


def _item(blocks: tuple[Node, ...]) -> Node:
    begins = bool(blocks) and blocks[0].type == "paragraph"
    return Node("listItem", content=blocks if begins else (_EMPTY, *blocks))


def _unboxed(paragraph: Node, box: str) -> Node:
    first, *more = paragraph.content
    text = (first.text or "")[len(box) :]
    return replace(paragraph, content=joined((replace(first, text=text), *more)))
