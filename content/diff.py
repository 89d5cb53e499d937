"""Compares two renderings: by block first, then by word within the blocks that changed.

Blocks are separated by empty lines. Both steps align with bounded work (`content.alignment`): two documents of 1 MB with
nothing in common take a fraction of a second and result in one deletion and one insertion.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from content import attribution
from content.alignment import matches
from content.attribution import Span

_BLOCKS = re.compile(r"(?:[^\n]+\n?)+(?:[^\S\n]*\n)*|\n+")
_WORDS = re.compile(r"\w+|\s+|[^\w\s]")


class DiffOp(StrEnum):
    """What happened to a stretch of text."""

    EQUAL = "EQUAL"
    INSERT = "INSERT"
    DELETE = "DELETE"


@dataclass(frozen=True, slots=True)
class Hunk:
    """A stretch of text; `client` is the Yjs client that wrote what was inserted, None where it is unknown."""

    op: DiffOp
    text: str
    client: int | None = None


@dataclass(frozen=True, slots=True)
class Diff:
    """Hunks in order: EQUAL and DELETE together are the old text, EQUAL and INSERT the new. Counts are of code points."""

    hunks: tuple[Hunk, ...]
    added: int
    removed: int


def diff(old: str, new: str, spans: Sequence[Span] = (), *, max_hunks: int | None = None) -> Diff:
    """Compares two texts; `spans` attribute the new one, and hunks end where the author changes (`attribution.author_changes`).

    Beyond `max_hunks` hunks only blocks are compared, and beyond that nothing: what came is nobody's then.
    """
    authors = attribution.author_changes(spans)
    hunks = tuple(_attributed(_joined(_by_block(old, new)), authors))
    if max_hunks is not None and len(hunks) > max_hunks:
        hunks = tuple(_joined(_aligned(_BLOCKS.findall(old), _BLOCKS.findall(new), _replaced)))
    if max_hunks is not None and len(hunks) > max_hunks:
        hunks = tuple(_replaced(old, new))
    return Diff(
        hunks,
        added=sum(len(hunk.text) for hunk in hunks if hunk.op is DiffOp.INSERT),
        removed=sum(len(hunk.text) for hunk in hunks if hunk.op is DiffOp.DELETE),
    )


def _by_block(old: str, new: str) -> Iterator[Hunk]:
    yield from _aligned(_BLOCKS.findall(old), _BLOCKS.findall(new), _by_word)


def _by_word(old: str, new: str) -> Iterator[Hunk]:
    yield from _aligned(_WORDS.findall(old), _WORDS.findall(new), _replaced)


def _replaced(old: str, new: str) -> Iterator[Hunk]:
    if old:
        yield Hunk(DiffOp.DELETE, old)
    if new:
        yield Hunk(DiffOp.INSERT, new)


def _aligned(old: list[str], new: list[str], between: Callable[[str, str], Iterator[Hunk]]) -> Iterator[Hunk]:
    at, to = 0, 0
    for here, there, length in [*matches(old, new), (len(old), len(new), 0)]:
        if here > at or there > to:
            yield from between("".join(old[at:here]), "".join(new[to:there]))
        if length:
            yield Hunk(DiffOp.EQUAL, "".join(old[here : here + length]))
        at, to = here + length, there + length


def _joined(hunks: Iterator[Hunk]) -> Iterator[Hunk]:
    """Merges neighbours of one kind; in a run of changes the deletion comes before the insertion."""
    equal, went, came = "", "", ""
    for hunk in hunks:
        if hunk.op is DiffOp.EQUAL:
            if went or came:
                yield from _replaced(went, came)
                went = came = ""
            equal += hunk.text
            continue
        if equal:
            yield Hunk(DiffOp.EQUAL, equal)
            equal = ""
        if hunk.op is DiffOp.DELETE:
            went += hunk.text
        else:
            came += hunk.text
    if equal:
        yield Hunk(DiffOp.EQUAL, equal)
    yield from _replaced(went, came)


def _attributed(hunks: Iterator[Hunk], authors: Sequence[tuple[int, int]]) -> Iterator[Hunk]:
    """Adds to hunks the client of what was inserted; `authors` are (first character, client), in order."""
    at = place = 0
    for hunk in hunks:
        if hunk.op is DiffOp.DELETE:
            yield hunk
            continue
        if hunk.op is DiffOp.EQUAL or not authors:
            yield hunk
            at += len(hunk.text)
            continue
        start, end = at, at + len(hunk.text)
        while start < end:
            while place + 1 < len(authors) and authors[place + 1][0] <= start:
                place += 1
            stop = min(end, authors[place + 1][0]) if place + 1 < len(authors) else end
            yield Hunk(DiffOp.INSERT, hunk.text[start - at : stop - at], authors[place][1])
            start = stop
        at = end
