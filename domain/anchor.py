"""Anchors: text of a document that a comment is pinned to, found again by its words and what stood around them.

As the selectors of web annotations do it: the quote must stand in the text as it is; where it does so more than once, what stands around it
decides, then how near that is to where it stood. Rejected: Yjs' relative positions, which point to characters that an import or
a restored version writes anew, and which only a client of Yjs could make.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from domain import text
from domain.errors import Invalid, Path

QUOTE, AROUND, _MOST = 1_000, 32, 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """A quote of a document's plain text, what stood before and after it, and the offset where it began."""

    quote: str
    prefix: str
    suffix: str
    start: int


def anchor(words: str, quote: str, prefix: str | None, suffix: str | None, path: Path) -> Anchor:
    """The anchor of a quote in a text; raises Invalid where it does not stand there."""
    if not quote.strip() or len(quote) > QUOTE:
        text.line(quote.replace("\n", " "), (*path, "quote"), limit=QUOTE)
    start = locate(words, Anchor(quote=quote, prefix=(prefix or "")[-AROUND:], suffix=(suffix or "")[:AROUND], start=0))
    if start is None:
        raise Invalid((*path, "quote"), "This does not stand in the document.")
    end = start + len(quote)
    return Anchor(quote=quote, prefix=words[max(0, start - AROUND) : start], suffix=words[end : end + AROUND], start=start)


def locate(words: str, sought: Anchor) -> int | None:
    """Where a quote stands now; None when it is gone."""

    def fits(start: int) -> tuple[int, int]:
        end = start + len(sought.quote)
        before = _alike(sought.prefix[::-1], words[max(0, start - AROUND) : start][::-1])
        return before + _alike(sought.suffix, words[end : end + AROUND]), -abs(start - sought.start)

    return max(_places(words, sought.quote), key=fits, default=None)


def _places(words: str, quote: str) -> Iterator[int]:
    at = words.find(quote)
    for _ in range(_MOST):
        if at < 0:
            return
        yield at
        at = words.find(quote, at + 1)


def _alike(one: str, other: str) -> int:
    """How many characters two texts begin with alike."""
    for place, (here, there) in enumerate(zip(one, other, strict=False)):
        if here != there:
            return place
    return min(len(one), len(other))
