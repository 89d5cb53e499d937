"""Changes the words of a Yjs text and their formatting, leaving all others untouched.

pycrdt counts in bytes of UTF-8; changes are made from the end, so that offsets before them stay true.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pycrdt import XmlElement, XmlFragment, XmlText

from content.alignment import Span, gaps
from content.text import inline, shared
from content.text.tree import Mark, Node

_TOKENS = re.compile(r"\w+|\s|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Formatted:
    """A run of text with the marks that it brings."""

    text: str
    marks: tuple[Mark, ...] = ()


def patch_words(text: XmlText, new: Sequence[Node], *, keep_start: bool, keep_end: bool) -> None:
    """Make a text read as these runs. White space at the ends of lines, which Markdown doesn't have, can be told to stay."""
    runs = [Formatted(node.text or "", node.marks) for node in shared.read_text(text)]
    wanted = [Formatted(node.text or "", node.marks) for node in new]
    old, core = "".join(run.text for run in runs), "".join(run.text for run in wanted)
    if old.strip() and core.strip():
        if keep_start and core[0].strip():
            wanted.insert(0, Formatted(old[: len(old) - len(old.lstrip())]))
        if keep_end and core[-1].strip():
            wanted.append(Formatted(old[len(old.rstrip()) :]))
    change_words(text, runs, wanted)


def change_words(text: XmlText, runs: Sequence[Formatted], wanted: Sequence[Formatted]) -> None:
    old, new = "".join(run.text for run in runs), "".join(run.text for run in wanted)
    marks, others = _by_letter(runs), _by_letter(wanted)
    spans = _letters(old, new)
    at, to = 0, 0
    for start, end, begin, stop in [*spans, (len(old), len(old), len(new), len(new))]:
        _format(text, old, at, marks[at:start], others[to:begin])
        at, to = end, stop
    for start, end, begin, stop in reversed(spans):
        kept = _untold(marks, start, end)
        delete(text, old, start, end)
        insert(text, old, start, [(letters, (*told, *kept)) for letters, told in _runs(new[begin:stop], others[begin:stop])])


def replace_words(parent: XmlFragment | XmlElement, find: str, replacement: Sequence[Formatted]) -> None:
    """Replace a text in all texts below; the replacement takes the formatting of what it replaces, and adds its own."""
    for child in list(parent.children):
        if isinstance(child, XmlElement):
            replace_words(child, find, replacement)
        elif isinstance(child, XmlText):
            _replace(child, find, replacement)


def _replace(text: XmlText, find: str, replacement: Sequence[Formatted]) -> None:
    runs = [Formatted(node.text or "", node.marks) for node in shared.read_text(text)]
    old = "".join(run.text for run in runs)
    marks = _by_letter(runs)
    new = "".join(run.text for run in replacement)
    plain = not any(run.marks for run in replacement)
    for found in reversed(list(re.finditer(re.escape(find), old))):
        at = found.start()
        if plain:
            for start, end, begin, stop in reversed(_letters(find, new)):
                around = _around(marks, at + start, at + end)
                delete(text, old, at + start, at + end)
                insert(text, old, at + start, [(new[begin:stop], around)])
        else:
            around = marks[at]
            delete(text, old, at, found.end())
            insert(text, old, at, [(run.text, _united(around, run.marks)) for run in replacement])


def delete(text: XmlText, old: str, start: int, end: int) -> None:
    """Delete characters, given by their places in the text as it was before changes behind them."""
    if end > start:
        at = len(old[:start].encode())
        del text[at : at + len(old[start:end].encode())]


def insert(text: XmlText, old: str, start: int, runs: Sequence[tuple[str, tuple[Mark, ...]]]) -> None:
    """Insert runs with exactly these marks."""
    at = len(old[:start].encode())
    for letters, marks in runs:
        if letters:
            text.insert(at, letters, shared.formatting(marks))
            at += len(letters.encode())


def _letters(old: str, new: str) -> list[Span]:
    """What differs, in characters: by words, each cut to the characters that differ at its ends."""
    left, right = _TOKENS.findall(old), _TOKENS.findall(new)
    starts, others = _starts(left), _starts(right)
    spans: list[Span] = []
    for begin, end, to, until in gaps(left, right):
        start, stop, there, upto = starts[begin], starts[end], others[to], others[until]
        while start < stop and there < upto and old[start] == new[there]:
            start, there = start + 1, there + 1
        while start < stop and there < upto and old[stop - 1] == new[upto - 1]:
            stop, upto = stop - 1, upto - 1
        spans.append((start, stop, there, upto))
    return spans


def _starts(tokens: Sequence[str]) -> list[int]:
    starts = [0]
    for token in tokens:
        starts.append(starts[-1] + len(token))
    return starts


def _by_letter(runs: Sequence[Formatted]) -> list[tuple[Mark, ...]]:
    return [run.marks for run in runs for _ in run.text]


def _runs(text: str, marks: Sequence[tuple[Mark, ...]]) -> list[tuple[str, tuple[Mark, ...]]]:
    runs: list[tuple[str, tuple[Mark, ...]]] = []
    start = 0
    for end in range(1, len(text) + 1):
        if end == len(text) or marks[end] != marks[start]:
            runs.append((text[start:end], marks[start]))
            start = end
    return runs


def _format(text: XmlText, old: str, at: int, marks: Sequence[tuple[Mark, ...]], wanted: Sequence[tuple[Mark, ...]]) -> None:
    """Give characters that stay the marks that Markdown tells of."""
    start = 0
    for end in range(1, len(marks) + 1):
        if end < len(marks) and marks[end] == marks[start] and wanted[end] == wanted[start]:
            continue
        change = _change(marks[start], wanted[start])
        if change and (old[at + start : at + end].strip() or "code" in change):
            begin = len(old[: at + start].encode())
            text.format(begin, begin + len(old[at + start : at + end].encode()), change)
        start = end


def _change(marks: tuple[Mark, ...], wanted: tuple[Mark, ...]) -> dict[str, Any]:
    """Formatting that makes text with these marks read as wanted; marks that code hides in Markdown go when the code does."""
    told = {inline.key(mark) for mark in inline.expressible(marks)}
    asked = {inline.key(mark): mark for mark in inline.expressible(wanted)}
    if told == asked.keys():
        return {}
    gone = {mark.type: None for mark in marks if mark.name in inline.MARKS and inline.key(mark) not in asked}
    return gone | {mark.type: dict(mark.attrs) for mark in asked.values() if mark not in marks}


def _untold(marks: Sequence[tuple[Mark, ...]], start: int, end: int) -> tuple[Mark, ...]:
    """Marks at a place that Markdown can't tell: what is inserted there keeps them."""
    return tuple(mark for mark in _around(marks, start, end) if mark.name not in inline.MARKS)


def _around(marks: Sequence[tuple[Mark, ...]], start: int, end: int) -> tuple[Mark, ...]:
    """The marks of what is replaced or, where nothing is, those of both neighbours."""
    if end > start:
        return marks[start]
    if start == 0 or start >= len(marks):
        return ()
    return tuple(mark for mark in marks[start - 1] if mark in marks[start])


def _united(around: tuple[Mark, ...], own: tuple[Mark, ...]) -> tuple[Mark, ...]:
    return tuple({mark.type: mark for mark in (*around, *own)}.values())
