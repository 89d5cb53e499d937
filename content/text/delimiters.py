"""Chooses between asterisks and tags for emphasis, so that Markdown is as short as can be and reads as what was meant.

Whether asterisks open or close emphasis depends on the characters on either side, and on the other asterisks of the line. So the
line is tried with asterisks everywhere: as a skeleton in which each text is its first and last character, which markdown-it
parses. Marks that it reads otherwise become tags: `(**Done.**)` and `*a **b** c*` keep their asterisks, `**Done.**then` is
`<strong>Done.</strong>then`, as two asterisks between a full stop and a letter cannot close.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Final

from markdown_it import MarkdownIt

SIGNS: Final = {"strike": "~~", "bold": "**", "italic": "*"}
_TAGS: Final = {"strike": "s", "bold": "strong", "italic": "em"}
_NAMES: Final = {"s": "strike", "strong": "bold", "em": "italic"}
_ASCII_PUNCTUATION: Final = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")
_ATTEMPTS: Final = 3


@dataclass(eq=False, slots=True)
class Emphasis:
    """A stretch of bold, italic or struck text, written with a sign or, where that would be misread, with a tag."""

    name: str
    is_tag: bool = False


@dataclass(frozen=True, slots=True)
class Edge:
    """The beginning or end of a stretch."""

    of: Emphasis
    is_end: bool

    @property
    def written(self) -> str:
        if self.of.is_tag:
            return f"</{_TAGS[self.of.name]}>" if self.is_end else f"<{_TAGS[self.of.name]}>"
        return SIGNS[self.of.name]


Part = str | Edge


def join(parts: Sequence[Part], before: str, behind: str) -> str:
    """Joins the parts of a line as Markdown; `before` and `behind` are the characters around it, blanks at the ends of lines."""
    edges = [part for part in parts if isinstance(part, Edge)]
    if edges:
        _settle(parts, edges, before, behind)
    written = [part.written if isinstance(part, Edge) else part for part in parts]
    for at in range(1, len(written)):  # a picture begins so
        if written[at][:1] == "[" and written[at - 1][-1:] == "!":
            written[at - 1] = written[at - 1][:-1] + "\\!"
    return "".join(written)


def _settle(parts: Sequence[Part], edges: Sequence[Edge], before: str, behind: str) -> None:
    for attempt in range(_ATTEMPTS):
        unflanked = _unflanked(parts, before, behind)
        if attempt:
            for edge in unflanked if attempt == 1 else (*unflanked, *_touching(parts)):
                edge.of.is_tag = True
        elif not unflanked and _is_simple(parts):
            return
        if _reads_as_meant(parts, before, behind):
            return
    for edge in edges:
        edge.of.is_tag = True


def _is_sign(part: Part | None) -> bool:
    return isinstance(part, Edge) and not part.of.is_tag


def _is_simple(parts: Sequence[Part]) -> bool:
    """Returns whether no stretch is within another or beside one, so that each sign pairs with its own."""
    is_open = False
    last: Part | None = None
    for part in parts:
        if isinstance(part, Edge):
            if _is_sign(last) or is_open != part.is_end:
                return False
            is_open = not part.is_end
        last = part
    return True


def _touching(parts: Sequence[Part]) -> list[Edge]:
    return [
        part
        for part, other in pairwise(parts)
        if isinstance(part, Edge) and isinstance(other, Edge) and not part.of.is_tag and not other.of.is_tag
    ]


def _unflanked(parts: Sequence[Part], before: str, behind: str) -> list[Edge]:
    """Returns the signs that cannot open or close where they stand."""
    left = list(_neighbours(parts, _kind(before), -1))
    right = list(_neighbours(parts[::-1], _kind(behind), 0))[::-1]
    found: list[Edge] = []
    for part, outer, inner in zip(parts, left, right, strict=True):
        if isinstance(part, Edge) and not part.of.is_tag:
            if part.is_end:
                outer, inner = inner, outer
            if inner == " " or (inner == "!" and outer == "a"):
                found.append(part)
    return found


def _neighbours(parts: Sequence[Part], before: str, last: int) -> Iterator[str]:
    """Yields for each part the kind of character before it, signs aside; `last` is the index of a part's nearest character."""
    nearest = before
    for part in parts:
        yield nearest
        if not _is_sign(part) and _text(part):
            nearest = _kind(_text(part)[last])


def _text(part: Part) -> str:
    return part.written if isinstance(part, Edge) else part


def _kind(character: str) -> str:
    """Classifies a character as markdown-it does for emphasis: " " white space, "!" punctuation, "a" anything else."""
    if character in "\t\n\f\v\r" or unicodedata.category(character) == "Zs":
        return " "
    if character in _ASCII_PUNCTUATION or unicodedata.category(character)[0] in "PS":
        return "!"
    return "a"


def _reads_as_meant(parts: Sequence[Part], before: str, behind: str) -> bool:
    skeleton = [] if before == " " else ["!"]
    meant: list[tuple[str, frozenset[str]]] = [("!", frozenset())] if skeleton else []
    opened: list[str] = []
    for part in parts:
        if isinstance(part, Edge) and not part.of.is_tag:
            skeleton.append(part.written)
            if part.is_end:
                opened.remove(part.of.name)
            else:
                opened.append(part.of.name)
        elif text := _text(part):
            ends = _kind(text[0]) + _kind(text[-1])
            skeleton.append(ends)
            meant += [(character, frozenset(opened)) for character in ends]
    if behind != " ":
        skeleton.append("!")
        meant.append(("!", frozenset()))
    return list(_read("".join(skeleton))) == meant


def _read(skeleton: str) -> Iterator[tuple[str, frozenset[str]]]:
    """Yields the characters of a skeleton with the marks that a reader gives them."""
    opened: list[str] = []
    (line,) = _parser().parseInline(skeleton)
    for token in line.children or []:
        if token.nesting > 0:
            opened.append(_NAMES[token.tag])
        elif token.nesting < 0:
            opened.remove(_NAMES[token.tag])
        else:
            marks = frozenset(opened)
            yield from ((character, marks) for character in token.content)


@cache
def _parser() -> MarkdownIt:
    return MarkdownIt("zero").enable(["emphasis", "strikethrough"])
