"""Changes the words of a Yjs text and their formatting, leaving all others untouched.

pycrdt counts in bytes of UTF-8; changes are made from the end, so that offsets before them stay true. It finds each place by walking
there, so a text gets at most `_CHANGES` of them: beyond that neighbouring ones become one, with what
stands between them, or the whole text is written anew.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from pycrdt import XmlElement, XmlFragment, XmlText

from content.alignment import Span, gaps
from content.text import inline_writer, yxml
from content.text.tree import Mark, Node

_CHANGES = 1_000
_TOKENS = re.compile(r"\w+|\s|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Formatted:
    """A run of text with the marks that it brings."""

    text: str
    marks: tuple[Mark, ...] = ()


def patch_words(text: XmlText, new: Sequence[Node], *, keep_start: bool, keep_end: bool) -> None:
    """Make a text read as these runs. White space at the ends of lines, which Markdown doesn't have, can be told to stay."""
    runs = [Formatted(node.text or "", node.marks) for node in yxml.read_text(text)]
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
    places = offsets(old)
    spans = _fewer(_letters(old, new))
    formats: list[tuple[int, int, dict[str, Any]]] = []
    at, to = 0, 0
    for start, end, begin, stop in [*spans, (len(old), len(old), len(new), len(new))]:
        formats += _formats(old, at, marks[at:start], others[to:begin])
        at, to = end, stop
    pieces = [_runs(new[begin:stop], others[begin:stop]) for _, _, begin, stop in spans]
    if len(formats) + sum(map(len, pieces)) > 2 * _CHANGES:
        formats, spans, pieces = [], [(0, len(old), 0, len(new))], [_runs(new, others)]
    for start, end, change in formats:
        text.format(places[start], places[end], change)
    for (start, end, _, _), several in zip(reversed(spans), reversed(pieces), strict=True):
        kept = _untold(marks, start, end)
        delete(text, places, start, end)
        insert(text, places, start, [(letters, (*told, *kept)) for letters, told in several])


def replace_words(parent: XmlFragment | XmlElement, find: str, replacement: Sequence[Formatted]) -> None:
    """Replace a text in all texts below; the replacement takes the formatting of what it replaces, and adds its own."""
    for child in yxml.inside(parent):
        if isinstance(child, XmlElement):
            replace_words(child, find, replacement)
        elif isinstance(child, XmlText):
            _replace(child, find, replacement)


def _replace(text: XmlText, find: str, replacement: Sequence[Formatted]) -> None:
    runs = [Formatted(node.text or "", node.marks) for node in yxml.read_text(text)]
    old = "".join(run.text for run in runs)
    several = list(re.finditer(re.escape(find), old))
    if not several:
        return
    marks = _by_letter(runs)
    if len(several) > _CHANGES:
        change_words(text, runs, _replaced(old, marks, several, replacement))
        return
    new = "".join(run.text for run in replacement)
    plain = not any(run.marks for run in replacement)
    places = offsets(old)
    for found in reversed(several):
        at = found.start()
        if plain:
            for start, end, begin, stop in reversed(_letters(find, new)):
                around = _around(marks, at + start, at + end)
                delete(text, places, at + start, at + end)
                insert(text, places, at + start, [(new[begin:stop], around)])
        else:
            around = marks[at]
            delete(text, places, at, found.end())
            insert(text, places, at, [(run.text, _united(around, run.marks)) for run in replacement])


def _replaced(
    old: str, marks: Sequence[tuple[Mark, ...]], several: Sequence[re.Match[str]], replacement: Sequence[Formatted]
) -> list[Formatted]:
    """The runs of a text with replacements in it."""
    runs: list[Formatted] = []
    at = 0
    for found in several:
        runs += [Formatted(letters, told) for letters, told in _runs(old[at : found.start()], marks[at : found.start()])]
        runs += [Formatted(run.text, _united(marks[found.start()], run.marks)) for run in replacement]
        at = found.end()
    return runs + [Formatted(letters, told) for letters, told in _runs(old[at:], marks[at:])]


def offsets(text: str) -> Sequence[int]:
    """For each character, and the end, where it begins in UTF-8."""
    if text.isascii():
        return range(len(text) + 1)
    return [
        0,
        *accumulate(1 if letter < "\x80" else 2 if letter < "\u0800" else 3 if letter < "\U00010000" else 4 for letter in text),
    ]


def delete(text: XmlText, places: Sequence[int], start: int, end: int) -> None:
    """Delete characters, given by their places in the text as it was before changes behind them."""
    if end > start:
        del text[places[start] : places[end]]


def insert(text: XmlText, places: Sequence[int], start: int, runs: Sequence[tuple[str, tuple[Mark, ...]]]) -> None:
    """Insert runs with exactly these marks; the last comes first, all at one place."""
    for letters, marks in reversed(runs):
        if letters:
            text.insert(places[start], letters, yxml.formatting(marks))


def _fewer(spans: list[Span]) -> list[Span]:
    """At most `_CHANGES` of them: those that are nearest to each other are made one."""
    if len(spans) <= _CHANGES:
        return spans
    between = sorted(range(1, len(spans)), key=lambda at: spans[at - 1][1] - spans[at][0])
    firsts = [0, *sorted(between[: _CHANGES - 1])]
    lasts = [at - 1 for at in firsts[1:]] + [len(spans) - 1]
    return [(spans[first][0], spans[last][1], spans[first][2], spans[last][3]) for first, last in zip(firsts, lasts, strict=True)]


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


def _formats(
    old: str, at: int, marks: Sequence[tuple[Mark, ...]], wanted: Sequence[tuple[Mark, ...]]
) -> Iterator[tuple[int, int, dict[str, Any]]]:
    """What gives characters that stay the marks that Markdown tells of: (start, end, change)."""
    start = 0
    for end in range(1, len(marks) + 1):
        if end < len(marks) and marks[end] == marks[start] and wanted[end] == wanted[start]:
            continue
        change = _change(marks[start], wanted[start])
        if change and (old[at + start : at + end].strip() or "code" in change):
            yield at + start, at + end, change
        start = end


def _change(marks: tuple[Mark, ...], wanted: tuple[Mark, ...]) -> dict[str, Any]:
    """Formatting that makes text with these marks read as wanted; marks that code hides in Markdown go when the code does."""
    asked = inline_writer.keys(wanted)
    if inline_writer.keys(marks) == asked:
        return {}
    have = {inline_writer.key(mark): mark for mark in marks}
    gone = {mark.type: None for key, mark in have.items() if key is not None and key not in asked}
    return gone | {
        mark.type: dict(mark.attrs)
        for mark in inline_writer.expressible(wanted)
        if (same := have.get(inline_writer.key(mark))) is None
        or inline_writer.is_code_link(same) != inline_writer.is_code_link(mark)
    }


def _untold(marks: Sequence[tuple[Mark, ...]], start: int, end: int) -> tuple[Mark, ...]:
    """Marks at a place that Markdown can't tell: what is inserted there keeps them."""
    around = _around(marks, start, end)
    return tuple(mark for mark in around if mark.name not in inline_writer.MARKS and (end <= start or mark in marks[end - 1]))


def _around(marks: Sequence[tuple[Mark, ...]], start: int, end: int) -> tuple[Mark, ...]:
    """The marks of what is replaced or, where nothing is, those of both neighbours."""
    if end > start:
        return marks[start]
    if start == 0 or start >= len(marks):
        return ()
    return tuple(mark for mark in marks[start - 1] if mark in marks[start])


def _united(around: tuple[Mark, ...], own: tuple[Mark, ...]) -> tuple[Mark, ...]:
    return tuple({mark.type: mark for mark in (*around, *own)}.values())
