"""Compaction of ranks: short again, and in the same order at every moment."""

import random
from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.rank import between
from domain.rank_compaction import FIXED_CHARS, MAX_RANK_CHARS, plan_moves, split_at_collisions, spread_evenly
from tests.support.examples import examples

same_every_time = examples(20, many=800, derandomize=True, database=None)


def insert_at(ranks: list[str], place: int, count: int, *, after: bool) -> None:
    """So many insertions at one place: each right after the rank there, or right before the one behind it."""
    for number in range(count):
        at = place if after else place + number
        ranks.insert(at + 1, between(ranks[at], ranks[at + 1] if at + 1 < len(ranks) else None))


def compact(ranks: list[str]) -> list[str]:
    """The list after compaction, stretch by stretch, having made sure that the order is kept by every single move."""
    after = list(ranks)
    fixed = [place for place, rank in enumerate(ranks) if len(rank) <= FIXED_CHARS]
    for lower, upper in pairwise([None, *fixed, None]):
        start, end = 0 if lower is None else lower + 1, len(ranks) if upper is None else upper
        stretch = [rank[: MAX_RANK_CHARS + 1] for rank in ranks[start:end]]
        if not any(len(rank) > MAX_RANK_CHARS for rank in stretch):
            continue
        low, high = (None if at is None else ranks[at] for at in (lower, upper))
        for place, rank in plan_moves(low, stretch, high):
            at = start + place
            assert at == 0 or after[at - 1] < rank
            assert at == len(after) - 1 or rank < after[at + 1]
            after[at] = rank
    return after


def is_ordered(ranks: list[str]) -> bool:
    return all(one < other for one, other in pairwise(ranks))


@same_every_time
@given(
    count=st.integers(1, 12),
    hot=st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 420), st.booleans()), max_size=4),
)
def test_ranks_become_short_and_their_order_stays(count: int, hot: list[tuple[int, int, bool]]) -> None:
    ranks = spread_evenly(None, None, count)
    for place, insertions, after in hot:
        insert_at(ranks, place % len(ranks), insertions, after=after)
    compacted = compact(ranks)
    assert is_ordered(compacted)
    assert max(map(len, compacted)) <= MAX_RANK_CHARS
    assert [rank for rank in ranks if len(rank) <= FIXED_CHARS] == [
        now for rank, now in zip(ranks, compacted, strict=True) if len(rank) <= FIXED_CHARS
    ]
    assert compact(compacted) == compacted


@pytest.mark.parametrize("after", [True, False])
def test_thousands_of_insertions_at_one_place_are_spread(after: bool) -> None:
    ranks = ["a0", "a1"]
    insert_at(ranks, 0, 3_000, after=after)
    assert max(map(len, ranks)) > 500
    compacted = compact(ranks)
    assert is_ordered(compacted)
    assert max(map(len, compacted)) <= 32


@pytest.mark.parametrize("seed", range(3))
def test_a_place_that_stays_hot_costs_few_moves_for_each_insertion(seed: int) -> None:
    chance = random.Random(seed)
    ranks = spread_evenly(None, None, 20)
    moved = insertions = 0
    for _ in range(60):
        hot = chance.choice([3, 3, 3, 10]) if seed else 3
        insert_at(ranks, hot, 100, after=not seed or chance.random() < 0.5)
        insertions += 100
        before, ranks = ranks, compact(ranks)
        moved += sum(one != other for one, other in zip(before, ranks, strict=True))
        assert max(map(len, ranks)) <= MAX_RANK_CHARS
    assert moved <= 3 * insertions


def test_a_place_that_is_filled_without_a_pause_stays_short() -> None:
    ranks, longest = ["a0", "a1"], 0
    for _ in range(80):
        insert_at(ranks, 0, 75, after=True)
        longest = max(longest, *map(len, ranks))
        ranks = compact(ranks)
    assert longest <= 100


def test_ranks_that_take_the_places_of_others_are_replaced_after_these() -> None:
    moved = [_Item("a9", "a8"), _Item("a8", "a7"), _Item("a7", "a6"), _Item("a5", "a4")]
    groups = split_at_collisions(moved, lambda each: each.before)
    assert [[each.rank for each in group] for group in groups] == [["a9"], ["a8"], ["a7", "a5"]]


@dataclass(frozen=True)
class _Item:
    rank: str
    before: str


def test_what_is_short_is_left_alone() -> None:
    ranks = spread_evenly("a0", "a1", 5_000)
    assert max(map(len, ranks)) <= 7
    assert plan_moves("a0", ranks, "a1") == []


@pytest.mark.parametrize(
    ("low", "high"), [(None, None), (None, "a0"), ("a0", None), ("a0", "a1"), ("a0", "b00"), ("Zz", "a0V"), ("a00V", "a00W")]
)
def test_ranks_are_spread_between_any_two(low: str | None, high: str | None) -> None:
    for count in (0, 1, 2, 7, 1_000):
        ranks = spread_evenly(low, high, count)
        assert len(ranks) == count
        assert is_ordered([each for each in (low, *ranks, high) if each is not None])
        assert max(map(len, ranks), default=0) <= 9
