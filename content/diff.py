"""What changed between two renderings: by block first, then by word within the blocks that changed.

Blocks are what stands between empty lines. Both steps align with bounded work (`content.alignment`): two documents of 1 MB with nothing in
common cost a fraction of a second and come out as one deletion and one insertion.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from content.alignment import matches

_BLOCKS = re.compile(r"(?:[^\n]+\n?)+(?:[^\S\n]*\n)*|\n+")
_WORDS = re.compile(r"\w+|\s+|[^\w\s]")

Author = int | None


class DiffOp(StrEnum):
    """What became of a stretch of text."""

    EQUAL = "EQUAL"
    INSERT = "INSERT"
    DELETE = "DELETE"


@dataclass(frozen=True, slots=True)
class Hunk:
    """A stretch of text; `client` is the Yjs client that wrote what was inserted, None where nobody is known."""

    op: DiffOp
    text: str
    client: int | None = None


@dataclass(frozen=True, slots=True)
class Diff:
    """Hunks in order: EQUAL and DELETE together are the old text, EQUAL and INSERT the new. Counts are of characters."""

    hunks: tuple[Hunk, ...]
    added: int
    removed: int


def diff(old: str, new: str, author: Callable[[int], Author] | None = None) -> Diff:
    """Compare two texts; `author` tells who wrote the new text's character at an offset, and parts hunks where that changes."""
    hunks = tuple(_signed(_joined(_by_block(old, new)), author))
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
    """Neighbours of one kind made one; of a run of changes first all that went, then all that came."""
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


def _signed(hunks: Iterator[Hunk], author: Callable[[int], Author] | None) -> Iterator[Hunk]:
    at = 0
    for hunk in hunks:
        if hunk.op is DiffOp.DELETE:
            yield hunk
            continue
        if hunk.op is DiffOp.EQUAL or author is None:
            yield hunk
        else:
            start = 0
            for end in range(1, len(hunk.text) + 1):
                if end == len(hunk.text) or author(at + end) != author(at + start):
                    yield Hunk(DiffOp.INSERT, hunk.text[start:end], author(at + start))
                    start = end
        at += len(hunk.text)
