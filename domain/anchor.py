"""Finds text of a document again that a comment is pinned to, by its words and by what stood around them.

As the selectors of web annotations do it: the quote must stand in the text as it is. That alone is not enough, or a comment on a
deleted `the` would move to the next one. So of what stood around the quote, enough must stand around it still:

- most of one side, without a gap from the quote on: eight letters at least, or all where there were fewer; or
- half of the words of both sides, in their order, for edits right beside the quote; or
- nothing, for a quote of a sentence's length that stands in the text once: a paragraph that was moved as a whole.

How much is remembered of the surroundings is decided when the anchor is made: the least of some lengths that no other place with
the quote would pass for, so that `Status: open` of a section that is deleted does not move to the next section. Where several
places qualify, the one with most of its surroundings next to it is chosen, of equals the nearest to where it stood.

Offsets count characters (code points) here; `Utf16Offsets` turns them into the UTF-16 units in which clients count.

Rejected: Yjs' relative positions, which point to characters that an import or a restored version writes anew, and which only a
client of Yjs could make; the nearest place with the quote, whatever stands around it.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, replace
from difflib import SequenceMatcher

from domain import text
from domain.errors import Invalid, Path

MAX_QUOTE_CHARS, MAX_CONTEXT_CHARS = 1_000, 128
_CONTEXT_CHARS = (32, 64, MAX_CONTEXT_CHARS)
_MAX_OCCURRENCES, _MAX_OCCURRENCES_COMPARED = 200, 8
_MIN_CONTEXT_LETTERS, _MIN_SENTENCE_LETTERS = 8, 24
# Scripts that put no blanks between words: each character counts as a word of two letters.
_IDEOGRAPH = "\u3005-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uac00-\ud7af\u0e00-\u0e7f\U00020000-\U0003ffff"
_WORD = re.compile(rf"[{_IDEOGRAPH}]|[^\W_{_IDEOGRAPH}]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """A quote of a document's plain text, what stood before and after it, and the offset where it began."""

    quote: str
    prefix: str
    suffix: str
    start: int


def create_anchor(words: str, quote: str, prefix: str | None, suffix: str | None, path: Path) -> Anchor:
    """
    The anchor of a quote in a text; raises Invalid where it does not stand there.

    Of several places, the one with most of `prefix` and `suffix` around it is chosen, then the first.
    """
    if not quote.strip() or len(quote) > MAX_QUOTE_CHARS:
        text.validate_line(quote.replace("\n", " "), (*path, "quote"), limit=MAX_QUOTE_CHARS)
    wanted = Anchor(quote=quote, prefix=(prefix or "")[-MAX_CONTEXT_CHARS:], suffix=(suffix or "")[:MAX_CONTEXT_CHARS], start=0)
    start = _find_exact(words, wanted)
    if start is None:
        start = next(iter(_ranked_occurrences(words, wanted)), None)
    if start is None:
        raise Invalid((*path, "quote"), "This does not stand in the document.")
    return _distinct(words, quote, start)


def _distinct(words: str, quote: str, start: int) -> Anchor:
    """The anchor of the quote at a place, with the least surroundings that no other place passes for."""
    end = start + len(quote)
    made = Anchor(quote=quote, prefix="", suffix="", start=start)
    for length in _CONTEXT_CHARS:
        made = replace(made, prefix=words[max(0, start - length) : start], suffix=words[end : end + length])
        others = [place for place in _ranked_occurrences(words, made) if place != start]
        if not any(_is_same(words, made, place) for place in others[:_MAX_OCCURRENCES_COMPARED]):
            break
    return made


def locate(words: str, sought: Anchor) -> int | None:
    """Where a quote stands now; None when it is gone, though the same words stand elsewhere."""
    exact = _find_exact(words, sought)
    if exact is not None and (sought.prefix or sought.suffix):
        return exact
    places = _ranked_occurrences(words, sought)
    found = next((place for place in places[:_MAX_OCCURRENCES_COMPARED] if _is_same(words, sought, place)), None)
    if found is None and len(places) == 1 and _weight(sought.quote) >= _MIN_SENTENCE_LETTERS:
        return places[0]
    return found


def _is_same(words: str, sought: Anchor, place: int) -> bool:
    """Whether enough of what stood around the quote stands around a place."""
    before, after = _next_to(words, sought, place)
    sides = ((sought.prefix, _weight(before)), (sought.suffix, _weight(after)))
    weights = [_weight(side) for side, _ in sides]
    if sum(weights) < _MIN_CONTEXT_LETTERS:
        return sum(agreed for _, agreed in sides) == sum(weights)
    if any(agreed >= max(_MIN_CONTEXT_LETTERS, 0.6 * weight) for weight, (_, agreed) in zip(weights, sides, strict=True)):
        return True
    return 2 * _nearby(words, sought, place) >= sum(weights)


def _ranked_occurrences(words: str, sought: Anchor) -> list[int]:
    """Places with the quote, first those with most of its surroundings next to them, of equals the nearest to where it stood."""

    def closeness(place: int) -> tuple[int, int, int]:
        before, after = _next_to(words, sought, place)
        return -len(before) - len(after), abs(place - sought.start), place

    return sorted(_occurrences(words, sought), key=closeness)


def _find_exact(words: str, sought: Anchor) -> int | None:
    """The place around which everything is as it was around the quote: where it stood, else the first."""
    around, before = sought.prefix + sought.quote + sought.suffix, len(sought.prefix)
    if sought.start >= before and words.startswith(around, sought.start - before):
        return sought.start
    found = words.find(around)
    return None if found < 0 else found + before


def _occurrences(words: str, sought: Anchor) -> Iterator[int]:
    """Where the quote stands, from where it stood outwards, in both directions by turns."""
    quote, count = sought.quote, 0
    after, before = words.find(quote, sought.start), words.rfind(quote, 0, sought.start + len(quote) - 1)
    while (after >= 0 or before >= 0) and count < _MAX_OCCURRENCES:
        if after >= 0:
            count += 1
            yield after
            after = words.find(quote, after + 1)
        if before >= 0:
            count += 1
            yield before
            before = words.rfind(quote, 0, before + len(quote) - 1)


def _next_to(words: str, sought: Anchor, place: int) -> tuple[str, str]:
    """What stands right before and right after a place as it stood around the quote."""
    end = place + len(sought.quote)
    before = _common_prefix_length(sought.prefix[::-1], words[max(0, place - len(sought.prefix)) : place][::-1])
    after = _common_prefix_length(sought.suffix, words[end : end + len(sought.suffix)])
    return sought.prefix[len(sought.prefix) - before :], sought.suffix[:after]


def _nearby(words: str, sought: Anchor, place: int) -> int:
    """The weight of the words that stand near a place, on their side and in their order, as near the quote."""
    end = place + len(sought.quote)
    before = words[max(0, place - 2 * len(sought.prefix) - _CONTEXT_CHARS[0]) : place]
    after = words[end : end + 2 * len(sought.suffix) + _CONTEXT_CHARS[0]]
    return _in_common(sought.prefix, before) + _in_common(sought.suffix, after)


def _in_common(one: str, other: str) -> int:
    first, second = _WORD.findall(one), _WORD.findall(other)
    blocks = SequenceMatcher(None, first, second, autojunk=False).get_matching_blocks()
    return sum(_weight("".join(first[block.a : block.a + block.size])) for block in blocks)


def _weight(given: str) -> int:
    """How many letters and digits; ideographs count twice."""
    return sum(2 if each.isalpha() and _IS_IDEOGRAPH.match(each) else 1 for each in given if each.isalnum())


_IS_IDEOGRAPH = re.compile(f"[{_IDEOGRAPH}]")


def _common_prefix_length(one: str, other: str) -> int:
    """How many characters two texts begin with alike."""
    for place, (here, there) in enumerate(zip(one, other, strict=False)):
        if here != there:
            return place
    return min(len(one), len(other))


class Utf16Offsets:
    """Offsets in a text as JavaScript, Yjs and the language server protocol count them: in UTF-16 units."""

    __slots__ = ("_pairs",)

    def __init__(self, words: str) -> None:
        self._pairs = [] if words.isascii() else [found.start() for found in _BEYOND_BMP.finditer(words)]

    def of(self, offset: int) -> int:
        """Of an offset in code points."""
        return offset + bisect_left(self._pairs, offset)


_BEYOND_BMP = re.compile("[\U00010000-\U0010ffff]")
