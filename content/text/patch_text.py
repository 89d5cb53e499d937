"""Changes the words of a text and their formatting, leaving all others untouched.

pycrdt finds each place by walking there, so a text gets at most `_MAX_CHANGES` changes: beyond that neighbouring ones become one,
with what stands between them, or the whole text is written anew.

A text is made as another says it: *as Markdown* where that was read from Markdown, so that marks that it cannot say stay; or
*exactly*.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from content.alignment import Span, gaps
from content.text import inline_writer
from content.text.text_group import Formatted, TextGroup
from content.text.tree import INVISIBLE_BLANKS, Mark, Node

_MAX_CHANGES = 1_000
_TOKENS = re.compile(r"\w+|\s|[^\w\s]")


def patch_text(group: TextGroup, new: Sequence[Node], *, exact: bool, keep_start: bool = False, keep_end: bool = False) -> None:
    """Makes a text read as these runs. White space at the ends of lines, which Markdown doesn't have, can be asked to stay."""
    wanted = [Formatted(node.text or "", node.marks) for node in new]
    old, core = group.text, "".join(run.text for run in wanted)
    if not exact:
        if old.strip(INVISIBLE_BLANKS) and core.strip(INVISIBLE_BLANKS):
            if keep_start and core[0] not in INVISIBLE_BLANKS:
                wanted.insert(0, Formatted(old[: len(old) - len(old.lstrip(INVISIBLE_BLANKS))]))
            if keep_end and core[-1] not in INVISIBLE_BLANKS:
                wanted.append(Formatted(old[len(old.rstrip(INVISIBLE_BLANKS)) :]))
        elif not core and not old.strip(INVISIBLE_BLANKS):
            return  # Markdown shows neither
    change_text(group, wanted, exact=exact)


def change_text(group: TextGroup, wanted: Sequence[Formatted], *, exact: bool = False) -> None:
    """Makes a text read as these runs, white space and all."""
    runs = group.runs
    old, new = group.text, "".join(run.text for run in wanted)
    marks, others = _by_letter(runs), _by_letter(wanted)
    spans = _fewer(_differences(old, new))
    formats: list[tuple[int, int, dict[str, Any]]] = []
    at, to = 0, 0
    for start, end, begin, stop in [*spans, (len(old), len(old), len(new), len(new))]:
        formats += _formats(old, at, marks[at:start], others[to:begin], exact=exact)
        at, to = end, stop
    pieces = [_runs(new[begin:stop], others[begin:stop]) for _, _, begin, stop in spans]
    if len(formats) + sum(map(len, pieces)) > 2 * _MAX_CHANGES:
        formats, spans, pieces = [], [(0, len(old), 0, len(new))], [_runs(new, others)]
    for start, end, change in formats:
        group.format(start, end, change)
    for (start, end, _, _), several in zip(reversed(spans), reversed(pieces), strict=True):
        kept = () if exact else _unsaid(marks, start, end)
        group.delete(start, end)
        inserted = [(letters, said if _has_code(said) else (*said, *kept)) for letters, said in several]
        group.insert(start, inserted, instead=end > start)


def replace_in(group: TextGroup, find: str, replacement: Sequence[Formatted]) -> None:
    """Replaces a text wherever it stands; the replacement takes the formatting of what it replaces, and adds its own."""
    old = group.text
    several = list(re.finditer(re.escape(find), old))
    if not several:
        return
    marks = _by_letter(group.runs)
    if len(several) > _MAX_CHANGES:
        change_text(group, _replaced(old, marks, several, replacement))
        return
    new = "".join(run.text for run in replacement)
    is_plain = not any(run.marks for run in replacement)
    for found in reversed(several):
        at = found.start()
        if is_plain:
            for start, end, begin, stop in reversed(_differences(find, new)):
                around = _around(marks, at + start, at + end)
                group.delete(at + start, at + end)
                group.insert(at + start, [(new[begin:stop], around)], instead=end > start)
        else:
            around = marks[at]
            group.delete(at, found.end())
            group.insert(at, [(run.text, _united(around, run.marks)) for run in replacement], instead=True)


def _replaced(
    old: str, marks: Sequence[tuple[Mark, ...]], several: Sequence[re.Match[str]], replacement: Sequence[Formatted]
) -> list[Formatted]:
    """The runs of a text with replacements in it."""
    runs: list[Formatted] = []
    at = 0
    for found in several:
        runs += [Formatted(letters, said) for letters, said in _runs(old[at : found.start()], marks[at : found.start()])]
        runs += [Formatted(run.text, _united(marks[found.start()], run.marks)) for run in replacement]
        at = found.end()
    return runs + [Formatted(letters, said) for letters, said in _runs(old[at:], marks[at:])]


def _fewer(spans: list[Span]) -> list[Span]:
    """At most `_MAX_CHANGES` of them: those that are nearest to each other are made one."""
    if len(spans) <= _MAX_CHANGES:
        return spans
    between = sorted(range(1, len(spans)), key=lambda at: spans[at - 1][1] - spans[at][0])
    firsts = [0, *sorted(between[: _MAX_CHANGES - 1])]
    lasts = [at - 1 for at in firsts[1:]] + [len(spans) - 1]
    return [(spans[first][0], spans[last][1], spans[first][2], spans[last][3]) for first, last in zip(firsts, lasts, strict=True)]


def _differences(old: str, new: str) -> list[Span]:
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
    old: str, at: int, marks: Sequence[tuple[Mark, ...]], wanted: Sequence[tuple[Mark, ...]], *, exact: bool
) -> Iterator[tuple[int, int, dict[str, Any]]]:
    """What gives characters that stay the marks that are wanted: (start, end, change)."""
    start = 0
    for end in range(1, len(marks) + 1):
        if end < len(marks) and marks[end] == marks[start] and wanted[end] == wanted[start]:
            continue
        if exact:
            change = _exact_change(marks[start], wanted[start])
        else:
            change = _change(marks[start], wanted[start])
            if (
                all(map(inline_writer.is_white, old[at + start : at + end]))
                and not _is_code(marks[start])
                and not _is_code(wanted[start])
            ):
                change = {}  # white space has what marks its neighbours share
        if change:
            yield at + start, at + end, change
        start = end


def _is_code(marks: tuple[Mark, ...]) -> bool:
    return any(name == "code" for name, _, _ in inline_writer.keys(marks))


def _has_code(marks: tuple[Mark, ...]) -> bool:
    return any(mark.name == "code" for mark in marks)


def _change(marks: tuple[Mark, ...], wanted: tuple[Mark, ...]) -> dict[str, Any]:
    """Formatting that makes text with these marks read as wanted; marks that code hides in Markdown go when the code does.

    Code excludes all other marks in editors: text that becomes code loses them, and code that becomes a link has a class instead.
    """
    asked = inline_writer.keys(wanted)
    if inline_writer.keys(marks) == asked:
        return {}
    have = {inline_writer.key(mark): mark for mark in marks}
    new = {
        mark.type: dict(mark.attrs)
        for mark in inline_writer.expressible(wanted)
        if (same := have.get(inline_writer.key(mark))) is None
        or inline_writer.is_code_link(same) != inline_writer.is_code_link(mark)
    }
    becomes_code, is_code_link = "code" in new, any(map(inline_writer.is_code_link, wanted))
    gone = {
        mark.type: None
        for mark in marks
        if ((key := inline_writer.key(mark)) is None and becomes_code)
        or (key is not None and key not in asked)
        or (is_code_link and mark.name == "code")
    }
    return gone | new


def _exact_change(marks: tuple[Mark, ...], wanted: tuple[Mark, ...]) -> dict[str, Any]:
    asked = {mark.type for mark in wanted}
    gone = {mark.type: None for mark in marks if mark.type not in asked}
    return gone | {mark.type: dict(mark.attrs) for mark in wanted if mark not in marks}


def _unsaid(marks: Sequence[tuple[Mark, ...]], start: int, end: int) -> tuple[Mark, ...]:
    """Marks at a place that Markdown can't say: what is inserted there keeps them."""
    around = _around(marks, start, end)
    return tuple(mark for mark in around if inline_writer.key(mark) is None and (end <= start or mark in marks[end - 1]))


def _around(marks: Sequence[tuple[Mark, ...]], start: int, end: int) -> tuple[Mark, ...]:
    """The marks of what is replaced or, where nothing is, those of both neighbours."""
    if end > start:
        return marks[start]
    if start == 0 or start >= len(marks):
        return ()
    return tuple(mark for mark in marks[start - 1] if mark in marks[start])


def _united(around: tuple[Mark, ...], own: tuple[Mark, ...]) -> tuple[Mark, ...]:
    """The marks of a replacement. Its own win where code, which excludes all others, is on one side."""
    if own and (_has_code(around) or _has_code(own)):
        return own
    return tuple({mark.type: mark for mark in (*around, *own)}.values())
