"""Plans how the ranks of a list become short again without anybody seeing another order.

A rank grows by a character for every five insertions at one place (`domain.rank`), so a place that is used again and again ends
with ranks of thousands of characters. A stretch of long ranks is spread anew between the short ones around it, and takes in as
many of these as it needs: the fewer move, the fewer events, but ranks that stand too close leave no room for short ones
between them. Ranks of up to `FIXED_CHARS` characters never move; whatever lies between two of them has room.

The moves are ordered: applied one by one, each rank stays between its neighbours. So the list is in the same order after each
move, in the database and in a client that receives them one by one.

    a0, a0000…0V (300 characters), a0000…V (299), …, a00V, a0F   becomes   a0, a0000Z…, …, a00V, a0F
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Protocol, TypeVar
from uuid import UUID

from domain.rank import between

MAX_RANK_CHARS = 64
"""A list with a longer rank is compacted."""
FIXED_CHARS = 8
_TARGET_CHARS = 32


class _Ranked(Protocol):
    @property
    def rank(self) -> str: ...


class _RankedObject(_Ranked, Protocol):
    """A dataclass, since its rank is replaced."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def id(self) -> UUID: ...


T = TypeVar("T", bound=_Ranked)
R = TypeVar("R", bound=_RankedObject)
Move = tuple[int, str]
"""Which rank of the stretch, and what it becomes."""
Planner = Callable[[str | None, Sequence[str], str | None], Awaitable[Sequence[Move]]]
"""Calls `plan_moves`, perhaps elsewhere: for 10,000 ranks it takes 0.1 s."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Ranks that stand side by side in a list, whose they are, and the ranks around them that never move, as for `plan_moves`."""

    low: str | None
    high: str | None
    ids: Sequence[UUID]
    ranks: Sequence[str]


class RankedStore(Protocol[R]):
    """Stores the objects of one kind that a project lists by rank."""

    async def long_stretch(self, project_id: UUID, /) -> Stretch | None: ...
    async def lock_in(self, project_id: UUID, ids: Sequence[UUID], /) -> Sequence[R]: ...
    async def save_ranks(self, moved: Sequence[R], /) -> None: ...


async def replace_long_ranks(store: RankedStore[R], project_id: UUID, *, max_moves: int, plan: Planner) -> Sequence[R]:
    """
    Replace the first ranks of a locked project that are too long, at most `max_moves`; the objects with their new ranks.

    Raises Unavailable at once where somebody else has locked one of the objects.
    """
    stretch = await store.long_stretch(project_id)
    if stretch is None:
        return []
    moves = [(stretch.ids[place], rank) for place, rank in (await plan(stretch.low, stretch.ranks, stretch.high))[:max_moves]]
    before = {each.id: each for each in await store.lock_in(project_id, [id_ for id_, _ in moves])}
    if len(before) < len(moves):
        return []  # one has just left for another project: the next turn sees the list without it
    moved = [replace(before[id_], rank=rank) for id_, rank in moves]
    for together in split_at_collisions(moved, lambda each: before[each.id].rank):
        await store.save_ranks(together)
    return moved


def plan_moves(low: str | None, ranks: Sequence[str], high: str | None) -> list[Move]:
    """
    The moves that leave no rank of a stretch longer than `MAX_RANK_CHARS`, in the order in which they are to be applied.

    `ranks` are in order, all longer than `FIXED_CHARS`, or some of them; of longer ones than `MAX_RANK_CHARS` only so many
    characters need be given. `low` and `high` are the ranks around them, None at the end of the list.
    """
    targets = list(ranks)
    end = 0
    while (start := next((place for place in range(end, len(ranks)) if len(targets[place]) > _TARGET_CHARS), None)) is not None:
        start, end, spread = _spread_stretch(low, targets, high, start)
        targets[start:end] = spread
    moves = [(place, rank) for place, rank in enumerate(targets) if rank != ranks[place]]
    # What moves up makes room for what is below it, and what moves down for what is above.
    upwards = [(place, rank) for place, rank in reversed(moves) if rank > ranks[place]]
    return upwards + [(place, rank) for place, rank in moves if rank < ranks[place]]


def split_at_collisions(moved: Sequence[T], rank_before: Callable[[T], str]) -> list[list[T]]:
    """What was moved, in groups whose ranks can be replaced at once: none takes the rank that another of its group had before."""
    groups: list[list[T]] = []
    before: set[str] = set()
    for each in moved:
        if not groups or each.rank in before:
            groups.append([])
            before = set()
        groups[-1].append(each)
        before.add(rank_before(each))
    return groups


def spread_evenly(low: str | None, high: str | None, count: int) -> list[str]:
    """So many ranks in order between two, as short as an even distance allows."""
    if high is None:
        return _count_from(low, count)
    if low is None:
        made: list[str] = []
        for _ in range(count):
            made.append(between(None, made[-1] if made else high))
        return made[::-1]
    ranks = [""] * count
    waiting = [(low, high, 0, count)]
    while waiting:
        lower, upper, start, end = waiting.pop()
        if start < end:
            middle = (start + end) // 2
            ranks[middle] = between(lower, upper)
            waiting += [(lower, ranks[middle], start, middle), (ranks[middle], upper, middle + 1, end)]
    return ranks


def _count_from(low: str | None, count: int) -> list[str]:
    made: list[str] = []
    for _ in range(count):
        made.append(between(made[-1] if made else low, None))
    return made


def _spread_stretch(low: str | None, ranks: Sequence[str], high: str | None, start: int) -> tuple[int, int, list[str]]:
    """The stretch around the long ranks that begin at `start`, as far as it must reach, and its new ranks."""
    end = start + 1
    while True:
        while end < len(ranks) and len(ranks[end]) > _TARGET_CHARS:
            end += 1
        while start > 0 and len(ranks[start - 1]) > _TARGET_CHARS:
            start -= 1
        lower = ranks[start - 1] if start else low
        upper = ranks[end] if end < len(ranks) else high
        spread = spread_evenly(lower, upper, end - start)
        if max(map(len, spread)) <= _TARGET_CHARS or (start == 0 and end == len(ranks)):
            return start, end, spread
        more = end - start
        start, end = max(0, start - more), min(len(ranks), end + more)
