"""Parses Markdown into the tree of a rich text: what a reader of CommonMark and GFM sees, in nodes that TipTap's schema has.

y-prosemirror deletes what does not fit its schema, so an item begins with a paragraph, a cell and a quote hold a block, an image
is a block, and code has no other mark. Nothing is dropped for that:

- A list whose items have a box here and none there becomes a list for each stretch of one kind; the writer puts them together
  again.
- Code within a link is a link whose `class` is "code"; a picture within a link has the address as its `href`.
- HTML is text, but for `<br>` and the tags of marks. An empty comment that stands alone keeps blocks apart and is left out.
- A paragraph that is `&nbsp;` and nothing else is an empty one.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Final
from urllib.parse import unquote

from markdown_it.token import Token

from content.errors import TooExpensive
from content.text import commonmark
from content.text.tree import CODE_LINK, Mark, Node, join_runs, text_run, without_images

EMPTY_PARAGRAPH: Final = "&nbsp;"
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
_ALIGNED = re.compile(r"text-align:(left|center|right)")
_EMPTY = Node("paragraph")
_FREE_ADDRESS_CHARACTERS: Final = 100_000  # of addresses that references repeat; beyond that as many as the text has


def parse(text: str) -> Node:
    """The tree of a Markdown text; any text is Markdown. A document has at least one block. Raises TextTooDeep, TooExpensive."""
    return Node("doc", content=tuple(parse_blocks(text)) or (_EMPTY,))


def parse_blocks(text: str) -> Iterator[Node]:
    """The blocks of a text one after the other. Raises TextTooDeep, TooExpensive."""
    return _Blocks(commonmark.tokens(text), _Addresses(len(text) + _FREE_ADDRESS_CHARACTERS)).blocks()


@dataclass(frozen=True, slots=True)
class Part:
    """Blocks between two separators; where HTML ends them, `html` is that, and `body` what stands before it."""

    blocks: tuple[Node, ...]
    body: tuple[Node, ...]
    html: str


def parse_parts(text: str, separator: str) -> list[Part]:
    """Returns the parts of a text between rules that are written just so. Raises TextTooDeep, TooExpensive."""
    lines = re.split("\r\n?|\n", text)
    reader = _Blocks(commonmark.tokens(text), _Addresses(len(text) + _FREE_ADDRESS_CHARACTERS))
    parts: list[Part] = []
    blocks: list[Node] = []
    body, html = 0, ""
    for token in reader.tokens():
        if token.type == "hr" and token.map and lines[token.map[0]].rstrip() == separator:
            parts.append(Part(tuple(blocks), tuple(blocks[:body] if html else blocks), html))
            blocks, body, html = [], 0, ""
            continue
        body, html = len(blocks), token.content if token.type == "html_block" else ""
        blocks += reader.block(token)
    return [*parts, Part(tuple(blocks), tuple(blocks[:body] if html else blocks), html)]


def parse_inline(text: str) -> tuple[Node, ...] | None:
    """The inline nodes of a text that is one paragraph, None where it is more."""
    blocks = parse(text).content
    return blocks[0].content if len(blocks) == 1 and blocks[0].type == "paragraph" else None


class _Addresses:
    """Bounds what references can make of a long address: each use writes it anew."""

    def __init__(self, limit: int) -> None:
        self._left = limit

    def take(self, token: Token, name: str) -> dict[str, str]:
        """The address and title of a link or image under the names of its attributes. Raises TooExpensive."""
        href, title = str(token.attrs.get(name, "")), str(token.attrs.get("title") or "")
        self._left -= len(href) + len(title)
        if self._left < 0:
            raise TooExpensive(commonmark.MAX_SECONDS)
        return {name: href, "title": title} if title else {name: href}


class _Blocks:
    """Reads markdown-it's tokens, a flat list with openings and closings."""

    def __init__(self, tokens: list[Token], addresses: _Addresses) -> None:
        self._tokens = tokens
        self._addresses = addresses
        self._at = 0

    def tokens(self) -> Iterator[Token]:
        """The tokens that begin a block, up to the closing one that belongs to the caller, who reads each block."""
        while self._at < len(self._tokens):
            token = self._tokens[self._at]
            self._at += 1
            if token.nesting < 0:
                return
            yield token

    def blocks(self) -> Iterator[Node]:
        """The blocks up to the closing token that belongs to the caller."""
        for token in self.tokens():
            yield from self.block(token)

    def block(self, token: Token) -> Iterator[Node]:
        """The blocks that a token begins."""
        match token.type:
            case "paragraph_open":
                is_empty = self._tokens[self._at].content == EMPTY_PARAGRAPH
                paragraph = Node("paragraph", content=self._inline())
                yield from (_EMPTY,) if is_empty else without_images(paragraph)
            case "heading_open":
                yield from without_images(Node("heading", {"level": int(token.tag[1])}, self._inline()))
            case "fence" | "code_block":
                yield _code(token)
            case "blockquote_open":
                yield Node("blockquote", content=tuple(self.blocks()) or (_EMPTY,))
            case "bullet_list_open":
                yield from self._bullets()
            case "ordered_list_open":
                items = tuple(_item(blocks) for blocks, _ in self._items())
                yield Node("orderedList", {"start": int(token.attrs.get("start", 1))}, items)
            case "table_open":
                yield Node("table", content=tuple(self._rows()))
            case "hr":
                yield Node("horizontalRule")
            case "html_block":
                yield from _html(token.content)
            case _:
                if token.nesting > 0:
                    yield from self.blocks()

    def _bullets(self) -> Iterator[Node]:
        """A list of items, or of tasks; each in turn where they are mixed."""
        for is_task, several in groupby(self._items(), key=lambda item: item[1] is not None):
            if is_task:
                yield Node("taskList", content=tuple(_task(blocks, box) for blocks, box in several if box))
            else:
                yield Node("bulletList", content=tuple(_item(blocks) for blocks, _ in several))

    def _items(self) -> Iterator[tuple[tuple[Node, ...], re.Match[str] | None]]:
        """The blocks of each item, and the box that its text begins with. Ends behind the list."""
        while True:
            token = self._tokens[self._at]
            self._at += 1
            if token.nesting < 0:
                return
            box = self._box()
            yield tuple(self.blocks()), box

    def _box(self) -> re.Match[str] | None:
        """The box at the beginning of the item that was opened; one that is escaped, or a link, is none."""
        opened, inline = self._tokens[self._at : self._at + 2]
        if opened.type != "paragraph_open" or not inline.children or inline.children[0].type != "text":
            return None
        return _BOX.match(inline.content.split("\n")[0])

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
                aligned = _ALIGNED.match(str(token.attrs.get("style", "")))
                attrs = {"align": aligned[1]} if aligned else {}
                paragraph = without_images(Node("paragraph", content=self._inline()))
                cells.append(Node("tableHeader" if token.type == "th_open" else "tableCell", attrs, paragraph))
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
        return join_runs(_Inline(self._addresses).read(token.children or []))


class _Inline:
    """Reads the tokens of one block's text with the marks that are open."""

    def __init__(self, addresses: _Addresses) -> None:
        self._addresses = addresses
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
                self._code(token.content)
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
        self._nodes.append(text_run(text, [marks[-1] for marks in self._marks.values() if marks]))

    def _code(self, text: str) -> None:
        link, mention = self._marks.get("link"), self._marks.get("mention")
        if mention:
            self._text(text)
        elif link:
            self._nodes.append(text_run(text, [Mark("link", {**link[-1].attrs, "class": CODE_LINK})]))
        else:
            self._nodes.append(text_run(text, [Mark("code")]))

    def _open(self, mark: Mark) -> None:
        self._marks.setdefault(mark.type, []).append(mark)

    def _link(self, token: Token) -> None:
        attrs = self._addresses.take(token, "href")
        if attrs["href"].startswith("mention:"):
            self._mention = unquote(attrs["href"].removeprefix("mention:"))
            self._open(Mark("mention"))
        else:
            self._open(Mark("link", attrs))

    def _link_end(self) -> None:
        if self._mention is None:
            self._close("link")
            return
        label: list[str] = []
        while self._nodes and any(mark.type == "mention" for mark in self._nodes[-1].marks):
            label.append(self._nodes.pop().plain)
        name = "".join(reversed(label)).removeprefix("@")
        attrs = {"id": self._mention, "label": name if name != self._mention else ""}  # who has no label is shown by their id
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
            for number, line in enumerate(html.split("\n")):
                if number:
                    self._nodes.append(Node("hardBreak"))
                self._text(line)

    def _image(self, token: Token) -> None:
        attrs = self._addresses.take(token, "src") | {"alt": _alt(token)}
        link = self._marks.get("link")
        if link:
            attrs |= {"href": link[-1].attrs["href"], "hrefTitle": link[-1].attrs.get("title", "")}
        self._nodes.append(Node("image", {key: value for key, value in attrs.items() if value or key in ("src", "href")}))


def _alt(token: Token) -> str:
    """What is read where a picture is not shown: its description without formatting."""
    parts: list[str] = []
    for child in token.children or []:
        if child.type == "image":
            parts.append(_alt(child))
        else:
            parts.append(" " if child.type in ("softbreak", "hardbreak") else child.content)
    return "".join(parts)


def _code(token: Token) -> Node:
    """A block of code; what stands behind the language is kept beside it."""
    language, _, meta = token.info.strip().partition(" ")
    attrs = {"language": language, "meta": meta.strip()}
    text = token.content.removesuffix("\n")
    return Node("codeBlock", {key: value for key, value in attrs.items() if value}, (text_run(text),) if text else ())


def _html(html: str) -> Iterator[Node]:
    """A block of HTML as a paragraph of its lines."""
    if re.fullmatch(r"\s*(?:<!--\s*-->\s*)*", html):
        return
    if re.fullmatch(r"\s*(?:<br\s*/?>\s*)+", html):
        yield Node("paragraph", content=(Node("hardBreak"),) * html.count("<"))
        return
    lines = html.strip("\n").split("\n")
    nodes = [part for line in lines for part in (text_run(line), Node("hardBreak"))][:-1]
    yield Node("paragraph", content=join_runs(nodes))


def _item(blocks: tuple[Node, ...], name: str = "listItem") -> Node:
    begins = bool(blocks) and blocks[0].type == "paragraph"
    return Node(name, content=blocks if begins else (_EMPTY, *blocks))


def _task(blocks: tuple[Node, ...], box: re.Match[str]) -> Node:
    """An item without its box, which markdown-it takes for text."""
    item = _item(blocks, "taskItem")
    return replace(item, attrs={"checked": box[1] in "xX"}, content=(_unboxed(item.content[0], box[0]), *item.content[1:]))


def _unboxed(paragraph: Node, box: str) -> Node:
    if not paragraph.content:
        return paragraph
    first, *more = paragraph.content
    text = (first.text or "")[len(box) :]
    return replace(paragraph, content=join_runs((replace(first, text=text), *more)))
