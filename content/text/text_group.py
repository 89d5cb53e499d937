"""Views the texts of a block that follow each other without a break or mention between them as one text, to be changed as one.

Editors keep a block's words in one XmlText. Others part it by embeds, or wrap words in inline elements of names that are not
known here: what Markdown shows as one stretch of text is then several pieces, each with its place in an XmlText. pycrdt counts in
bytes of UTF-8, and an embed as one.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

from pycrdt import XmlText

from content.text import yxml
from content.text.tree import Mark


@dataclass(frozen=True, slots=True)
class Formatted:
    """A run of text with its marks."""

    text: str
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True, slots=True)
class _Piece:
    """A stretch of an XmlText: where it begins there, in bytes, and where each of its characters does, and its end, from there
    on."""

    text: XmlText
    start: int
    offsets: Sequence[int]

    def place(self, character: int) -> int:
        return self.start + self.offsets[character]


@dataclass(slots=True)
class TextGroup:
    """Pieces that read as one text; `runs` is what they say. Changes are to be made from the end on, formatting first."""

    runs: list[Formatted] = field(default_factory=list)
    _pieces: list[_Piece] = field(default_factory=list)
    _starts: list[int] = field(default_factory=list)  # of each piece, in characters

    def add(self, text: XmlText) -> None:
        """Puts a text behind those that are there."""
        at = 0
        several: list[Formatted] = []
        for run, marks in (*text.diff(), (None, None)):
            if isinstance(run, str):
                several.append(Formatted(run, yxml.marks_of(marks)))
                continue
            said = "".join(part.text for part in several)
            self._starts.append(len(self))
            self._pieces.append(_Piece(text, at, _offsets(said)))
            self.runs += several
            several = []
            at += len(said.encode()) + 1

    def __len__(self) -> int:
        return self._starts[-1] + len(self._pieces[-1].offsets) - 1 if self._pieces else 0

    @property
    def text(self) -> str:
        return "".join(run.text for run in self.runs)

    @property
    def texts(self) -> list[XmlText]:
        """The texts that it is made of."""
        return [piece.text for piece, start in zip(self._pieces, self._starts, strict=True) if piece.start == 0]

    def delete(self, start: int, end: int) -> None:
        """Deletes characters, given by their offsets in the text before any changes behind them."""
        for piece, first, last in reversed([*self._within(start, end)]):
            del piece.text[piece.place(first) : piece.place(last)]

    def insert(self, at: int, runs: Sequence[tuple[str, tuple[Mark, ...]]], *, instead: bool = False) -> None:
        """Inserts runs with exactly these marks; where two pieces meet in the first of them, unless it is instead of what began
        there."""
        index = bisect_right(self._starts, at) - 1
        while not instead and index and self._starts[index] == at:
            index -= 1
        place = self._pieces[index].place(at - self._starts[index])
        for letters, marks in reversed(runs):
            if letters:
                self._pieces[index].text.insert(place, letters, yxml.formatting(marks))

    def format(self, start: int, end: int, change: Mapping[str, Any]) -> None:
        """Changes the marks of characters."""
        for piece, first, last in self._within(start, end):
            piece.text.format(piece.place(first), piece.place(last), dict(change))

    def _within(self, start: int, end: int) -> Iterator[tuple[_Piece, int, int]]:
        """The pieces that hold some characters, each with the first and the last of them as it counts."""
        index = max(bisect_right(self._starts, start) - 1, 0)
        while index < len(self._pieces) and self._starts[index] < end:
            piece, before = self._pieces[index], self._starts[index]
            first, last = max(start - before, 0), min(end - before, len(piece.offsets) - 1)
            if first < last:
                yield piece, first, last
            index += 1


def _offsets(text: str) -> Sequence[int]:
    """For each character, and the end, where it begins in UTF-8."""
    if text.isascii():
        return range(len(text) + 1)
    lengths = (1 if letter < "\x80" else 2 if letter < "\u0800" else 3 if letter < "\U00010000" else 4 for letter in text)
    return [0, *accumulate(lengths)]
