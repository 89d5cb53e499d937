"""Anchors: text of a document that a comment is pinned to, found again by its words and what stood around them.

As the selectors of web annotations do it: the quote must stand in the text as it is; where it does so more than once, what stands around it
decides, then how near that is to where it stood. Rejected: Yjs' relative positions, which point to characters that an import or
a restored version writes anew, and which only a client of Yjs could make.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from domain import text
from domain.errors import Invalid, Path

MAX_QUOTE_CHARS, CONTEXT_CHARS, _MAX_OCCURRENCES = 1_000, 32, 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """A quote of a document's plain text, what stood before and after it, and the offset where it began."""

    quote: str
    prefix: str
    suffix: str
    start: int


def create_anchor(plain_text: str, quote: str, prefix: str | None, suffix: str | None, path: Path) -> Anchor:
    """The anchor of a quote in a text; raises Invalid where it does not stand there."""
    if not quote.strip() or len(quote) > MAX_QUOTE_CHARS:
        text.validate_line(quote.replace("\n", " "), (*path, "quote"), limit=MAX_QUOTE_CHARS)
    start = locate(
        plain_text, Anchor(quote=quote, prefix=(prefix or "")[-CONTEXT_CHARS:], suffix=(suffix or "")[:CONTEXT_CHARS], start=0)
    )
    if start is None:
        raise Invalid((*path, "quote"), "This does not stand in the document.")
    end = start + len(quote)
    return Anchor(
        quote=quote,
        prefix=plain_text[max(0, start - CONTEXT_CHARS) : start],
        suffix=plain_text[end : end + CONTEXT_CHARS],
        start=start,
    )


def locate(plain_text: str, anchor: Anchor) -> int | None:
    """Where a quote stands now; None when it is gone."""

    def fits(start: int) -> tuple[int, int]:
        end = start + len(anchor.quote)
        before = _common_prefix_length(anchor.prefix[::-1], plain_text[max(0, start - CONTEXT_CHARS) : start][::-1])
        return before + _common_prefix_length(anchor.suffix, plain_text[end : end + CONTEXT_CHARS]), -abs(start - anchor.start)

    return max(_occurrences(plain_text, anchor.quote), key=fits, default=None)


def _occurrences(plain_text: str, quote: str) -> Iterator[int]:
    at = plain_text.find(quote)
    for _ in range(_MAX_OCCURRENCES):
        if at < 0:
            return
        yield at
        at = plain_text.find(quote, at + 1)


def _common_prefix_length(one: str, other: str) -> int:
    """How many characters two texts begin with alike."""
    for place, (here, there) in enumerate(zip(one, other, strict=False)):
        if here != there:
            return place
    return min(len(one), len(other))
