"""Reads which addresses a Markdown text links to, as CommonMark reads it.

So a link counts in every form (angle brackets, a title, a reference, an autolink), and does not where it is no link: in code, in
HTML and its comments, behind a backslash, in a definition that nothing refers to. Addresses that stand bare in the text count,
too, as readers of GitHub's Markdown take them for links, but not in code.

The blocks of a text are found first, which is quick; their inlines are only read where an address of the kind that is looked for
may stand. That is bounded: brackets are what reading takes long for (90 µs each), and of a text with more than `MAX_BRACKETS` of
them in such places the rest is not read.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, Final

from markdown_it import MarkdownIt
from markdown_it.token import Token

from domain.reference import LinkTarget

MAX_BRACKETS: Final = 10_000
_MAX_NESTING: Final = 100
_WORD = re.compile(r"\S+")


def read_link_targets(markdown: str, interesting: re.Pattern[str]) -> list[LinkTarget]:
    """
    The addresses of a text's links in which the pattern is found, in order.

    The pattern must match the same characters wherever they stand: it is looked for in whole paragraphs, too.
    """
    if not _may_hold(markdown, interesting):
        return []
    references: dict[str, Any] = {}
    blocks = _block_parser().parse(markdown, references)
    by_reference = any(interesting.search(each["href"]) for each in references.get("references", {}).values())
    found: list[LinkTarget] = []
    brackets = 0
    for block in blocks:
        if block.type != "inline" or not (_may_hold(block.content, interesting) or (by_reference and "]" in block.content)):
            continue
        brackets += block.content.count("[") + block.content.count("]")
        if brackets > MAX_BRACKETS:
            break
        inlines: list[Token] = []
        _inline_parser().inline.parse(block.content, _inline_parser(), references, inlines)
        found += (target for target in _targets(inlines) if interesting.search(target.address))
    return found


def _may_hold(text: str, interesting: re.Pattern[str]) -> bool:
    """Returns whether an address may stand in the text: by itself, or written with entities or backslashes."""
    return (
        interesting.search(text) is not None or ("](" in text and ("&" in text or "\\" in text)) or ("]:" in text and "&" in text)
    )


def _targets(inlines: Sequence[Token]) -> Iterator[LinkTarget]:
    depth, text = 0, ""
    for token in (*inlines, Token("end", "", 0)):
        if token.type == "text" and not depth:
            text += token.content
            continue
        yield from (LinkTarget(word[0], is_bare=True) for word in _WORD.finditer(text))
        text = ""
        if token.type == "link_open":
            depth += 1
            yield LinkTarget(str(token.attrs["href"]), is_bare=False)
        elif token.type == "link_close":
            depth -= 1


@cache
def _block_parser() -> MarkdownIt:
    return _parser().disable("inline")


@cache
def _inline_parser() -> MarkdownIt:
    return _parser()


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"maxNesting": _MAX_NESTING})
    parser.normalizeLink = _unchanged  # type: ignore[method-assign]
    return parser


def _unchanged(url: str) -> str:
    return url
