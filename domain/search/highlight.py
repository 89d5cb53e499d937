"""Cuts the places of a text that match a query, each match between U+E000 and U+E001.

These two characters are of Unicode's private use area, and are removed from the text itself: a client escapes a fragment as any
text, and then replaces them by its own marks.
"""

import re
from collections.abc import Iterator, Sequence

from domain.collation import search_key
from domain.search.tokens import is_unspaced, split, word_pattern

START, END = "\ue000", "\ue001"
MAX_FRAGMENTS = 3
_MAX_SCANNED_CHARS = 50_000
_AROUND_CHARS = 60
_RESERVED = re.compile("[\ue000\ue001]")
_BLANKS = re.compile(r"\s+")
_ELLIPSIS = "…"


def is_match(word: str, wanted: Sequence[tuple[str, bool]]) -> bool:
    """Whether a folded word is one of those wanted: (word, whether its beginning is enough)."""
    return any(word == each or (is_prefix and word.startswith(each)) for each, is_prefix in wanted)


def fragments(text: str, wanted: Sequence[tuple[str, bool]], *, is_whole: bool = False) -> list[str]:
    """
    Up to three cuts of a text around what matches; none where nothing does.

    `wanted` are folded words, and whether each is only the beginning of one. `is_whole`: the text is short, and shown as one.
    """
    text = _BLANKS.sub(" ", _RESERVED.sub("", text[:_MAX_SCANNED_CHARS])).strip()
    matches = list(_merge(_matches(text, wanted)))
    if not matches:
        return []
    if is_whole:
        return [_mark(text, 0, len(text), matches)]
    cuts: list[tuple[int, int]] = []
    for start, end in matches:
        if cuts and start - _AROUND_CHARS <= cuts[-1][1]:
            if start - cuts[-1][0] <= 3 * _AROUND_CHARS:
                cuts[-1] = (cuts[-1][0], min(len(text), end + _AROUND_CHARS))
            continue
        if len(cuts) == MAX_FRAGMENTS:
            break
        cuts.append((max(0, start - _AROUND_CHARS), min(len(text), end + _AROUND_CHARS)))
    return [_cut(text, start, end, matches) for start, end in cuts]


def _matches(text: str, wanted: Sequence[tuple[str, bool]]) -> Iterator[tuple[int, int]]:
    for found in word_pattern().finditer(text):
        written = found[0]
        if not written.isascii() and any(is_unspaced(each) for each in written):
            yield from _unspaced_matches(written, found.start(), wanted)
        folded = list(split(search_key(written)))
        if len(folded) == 1 and is_match(folded[0], wanted):
            yield found.span()


def _unspaced_matches(run: str, start: int, wanted: Sequence[tuple[str, bool]]) -> Iterator[tuple[int, int]]:
    for index in range(len(run)):
        pair = run[index : index + 2]
        folded = search_key(pair)
        if any(folded == each or (is_prefix and folded.startswith(each)) for each, is_prefix in wanted if is_unspaced(each)):
            length = 1 if folded not in {each for each, _ in wanted} else len(pair)
            yield start + index, start + index + length


def _merge(matches: Iterator[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Matches in their order, those that touch as one."""
    open_start, open_end = -1, -1
    for start, end in sorted(matches):
        if start <= open_end:
            open_end = max(open_end, end)
            continue
        if open_start >= 0:
            yield open_start, open_end
        open_start, open_end = start, end
    if open_start >= 0:
        yield open_start, open_end


def _cut(text: str, start: int, end: int, matches: Sequence[tuple[int, int]]) -> str:
    """The text from about here to about there, from blank to blank where there is one near."""
    if start > 0 and (blank := text.find(" ", start, start + 15)) >= 0:
        start = min(blank + 1, min(first for first, last in matches if last > start))
    if end < len(text) and (blank := text.rfind(" ", end - 15, end)) >= 0:
        end = max(blank, max(last for first, last in matches if first < end))
    marked = _mark(text, start, end, matches)
    return f"{_ELLIPSIS if start > 0 else ''}{marked}{_ELLIPSIS if end < len(text) else ''}"


def _mark(text: str, start: int, end: int, matches: Sequence[tuple[int, int]]) -> str:
    parts = []
    at = start
    for first, last in matches:
        if last <= start or first >= end:
            continue
        first, last = max(first, start), min(last, end)
        parts += [text[at:first], START, text[first:last], END]
        at = last
    return "".join([*parts, text[at:end]])
