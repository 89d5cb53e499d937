"""Configures markdown-it as a bounded reader of Markdown: CommonMark with GFM's tables and strike-through.

markdown-it silently drops what lies beyond its `maxNesting`; here that is refused. The depth follows from what a Yjs document
may hold (`content.structure_check.MAX_TYPE_DEPTH`): a block within `MAX_DEPTH` others leaves room for the parts of a table, a
text and its characters.

Work is linear in the text, whatever it holds (1 to 25 µs a byte). Where markdown-it's is not, it is made so (the ends of link
labels are found once each), or estimated before the text is read: lines that lazily continue a deep quote are visited once for
each level, and a few lines can ask for a hundred thousand cells of a table.
"""

import re
from functools import cache
from typing import Final

from markdown_it import MarkdownIt, helpers
from markdown_it.parser_block import ParserBlock
from markdown_it.parser_inline import ParserInline
from markdown_it.rules_block import StateBlock, table
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from markdown_it.utils import EnvType

from content.errors import TextTooDeep, TooExpensive

MAX_DEPTH: Final = 58
MAX_SECONDS: Final = 2  # the limit that a refusal names
# Tables are estimated from so many columns on, by their first rows; and so many cells may always be filled in.
_WEIGHED_COLUMNS, _WEIGHED_ROWS, _FREE_CELLS = 10, 200, 1_000
_FREE_QUOTED_LINES: Final = 10_000
_INLINE_FACTOR: Final = 4  # times that a character may be read as inline text: image descriptions are read again
_REREAD: Final = "reread"
_MARKERS = re.compile(r"(?:[ \t]*(?:>|[-+*](?=[ \t>])|\d{1,9}[.)](?=[ \t>])))+")


def tokens(text: str) -> list[Token]:
    """Returns the tokens of markdown-it for a text. Raises TextTooDeep, TooExpensive."""
    _require_cheap_quotes(text)
    return _reader().parse(text, {_REREAD: _INLINE_FACTOR * len(text) + _FREE_CELLS})


class _Reader(MarkdownIt):
    """markdown-it with the bounds above; addresses stay as they were written."""

    def __init__(self) -> None:
        super().__init__("commonmark")
        self.inline = _Inline()
        self.block = _Blocks()
        self.configure("commonmark", options_update={"html": True, "maxNesting": MAX_DEPTH + 1})
        self.enable(["table", "strikethrough"])
        self.block.ruler.at("table", _table, {"alt": ["paragraph", "reference"]})
        self.helpers = _Helpers()  # type: ignore[assignment]

    def normalizeLink(self, url: str) -> str:  # noqa: N802 (markdown-it's name)
        return url

    def normalizeLinkText(self, link: str) -> str:  # noqa: N802 (markdown-it's name)
        return link


@cache
def _reader() -> _Reader:
    return _Reader()


class _Blocks(ParserBlock):
    def tokenize(self, state: StateBlock, startLine: int, endLine: int) -> None:  # noqa: N803 (markdown-it's names)
        if state.level > MAX_DEPTH:
            line = state.skipEmptyLines(startLine)
            if line < endLine and state.sCount[line] >= state.blkIndent:
                raise TextTooDeep(MAX_DEPTH)
        super().tokenize(state, startLine, endLine)


class _InlineState(StateInline):
    """Remembers the ends of labels: (offset of the opening bracket, whether links within are forbidden) → offset of the closing
    one.
    """

    def __init__(self, src: str, md: MarkdownIt, env: EnvType, tokens: list[Token]) -> None:
        super().__init__(src, md, env, tokens)
        self.labels: dict[tuple[int, bool], int] = {}
        self.last_bracket = src.rfind("]")


class _Inline(ParserInline):
    def parse(self, src: str, md: MarkdownIt, env: EnvType, tokens: list[Token]) -> list[Token]:
        env[_REREAD] -= len(src)
        if env[_REREAD] < 0:
            raise TooExpensive(MAX_SECONDS)
        state = _InlineState(src, md, env, tokens)
        self.tokenize(state)
        for rule in self.ruler2.getRules(""):
            rule(state)
        return state.tokens


class _Helpers:
    parseLinkDestination = staticmethod(helpers.parseLinkDestination)  # noqa: N815 (markdown-it's names)
    parseLinkTitle = staticmethod(helpers.parseLinkTitle)  # noqa: N815

    @staticmethod
    def parseLinkLabel(state: StateInline, start: int, disableNested: bool = False) -> int:  # noqa: N802, N803
        """Returns the offset of the bracket that closes the label at `start`, or -1. Like markdown-it's, but finds each once."""
        assert isinstance(state, _InlineState)
        known = state.labels.get((start, disableNested))
        if known is None:
            before, state.pos = state.pos, start + 1
            known = _end_of_label(state, start, without_links=disableNested) if state.last_bracket > start else -1
            state.pos = before
        return known


def _end_of_label(state: _InlineState, start: int, *, without_links: bool) -> int:
    """Walks to the end of a label and remembers the ends of the labels within."""
    opened = [start]
    labels = state.labels
    while state.pos < state.posMax:
        at = state.pos
        marker = state.src[at]
        if marker == "]":
            labels[opened.pop(), without_links] = at
            if not opened:
                return at
        state.md.inline.skipToken(state)
        if marker == "[":
            if state.pos == at + 1:  # just a bracket
                end = labels.get((at, without_links))
                if end is None:
                    opened.append(at)
                elif end < 0:
                    break
                else:
                    state.pos = end + 1
            elif without_links:  # a link, which no other may hold
                break
    for at in opened:
        labels[at, without_links] = -1
    return -1


def _table(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Reads a table, unless most of its cells would have to be filled in."""
    line = state.src[state.bMarks[start + 1] : state.eMarks[start + 1]] if start + 2 <= end else ""
    columns = line.count("|") + 1
    if columns > _WEIGHED_COLUMNS and not line.strip(" \t>|:-"):
        last = min(end, start + _WEIGHED_ROWS)
        rows = next((at for at in range(start, last) if state.isEmpty(at)), last) - start
        if columns * rows > 2 * (state.eMarks[start + rows - 1] - state.bMarks[start]) + _FREE_CELLS:
            return False
    return table(state, start, end, silent)


def _require_cheap_quotes(text: str) -> None:
    """Raises TooExpensive where markdown-it would visit lines once for each level of a quote that they lazily continue."""
    if ">" not in text:
        return
    looks = depth = lines = own = 0
    for line in (*text.split("\n"), ""):
        if line.strip():
            markers = _MARKERS.match(line)
            quotes = markers[0].count(">") if markers else 0
            lines, own, depth = lines + 1, own + quotes, max(depth, quotes)
        else:
            looks += depth * lines - own
            depth = lines = own = 0
    if looks > len(text) // 2 + _FREE_QUOTED_LINES:
        raise TooExpensive(MAX_SECONDS)
