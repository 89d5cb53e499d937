"""Ranks: always one more between two, and not longer than they must be."""

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import Overloaded
from domain.rank import DIGITS, between
from tests.support.examples import examples

deterministic = examples(25, many=1_000, derandomize=True, database=None)


@deterministic
@given(places=st.lists(st.integers(0, 10**6), max_size=120))
def test_there_is_always_a_rank_at_any_place(places: list[int]) -> None:
    ranks: list[str] = []
    for number in places:
        place = number % (len(ranks) + 1)
        low = ranks[place - 1] if place else None
        high = ranks[place] if place < len(ranks) else None
        made = between(low, high)
        assert (low is None or low < made) and (high is None or made < high)  # noqa: PT018 (one claim)
        assert set(made) <= set(DIGITS)
        ranks.insert(place, made)
    assert ranks == sorted(ranks, key=str.encode)
    assert len(set(ranks)) == len(ranks)


@pytest.mark.parametrize("up", [True, False])
def test_at_either_end_ranks_grow_with_the_logarithm_of_their_number(up: bool) -> None:
    rank = between(None, None)
    for _ in range(20_000):
        rank = between(rank, None) if up else between(None, rank)
    assert len(rank) <= 4


def test_between_two_neighbours_ranks_grow_by_a_character_for_every_five_or_so() -> None:
    low, high = "a0", "a1"
    for _ in range(300):
        high = between(low, high)
    assert len(high) <= 2 + 300 / 5 + 1
    low, high = "a0", "a1"
    for _ in range(300):
        low = between(low, high)
    assert len(low) <= 2 + 300 / 5 + 1


def test_a_thousand_moves_of_a_board_keep_ranks_short() -> None:
    chance = random.Random(7)
    ranks = [between(None, None)]
    for _ in range(50):
        ranks.append(between(ranks[-1], None))
    for _ in range(1_000):
        ranks.pop(chance.randrange(len(ranks)))
        place = chance.randrange(len(ranks) + 1)
        low, high = (ranks[place - 1] if place else None), (ranks[place] if place < len(ranks) else None)
        ranks.insert(place, between(low, high))
    assert all(one < other for one, other in itertools.pairwise(ranks))
    assert max(map(len, ranks)) < 30


def test_a_place_that_is_used_faster_than_it_is_compacted_is_refused_in_time() -> None:
    low, high = "a0", "a0" + "0" * 1_997 + "2"
    made = between(low, high)
    assert len(made) == 2_000
    with pytest.raises(Overloaded):
        between(low, made)


@pytest.mark.parametrize(("low", "high"), [("a1", "a1"), ("a2", "a1"), ("b00", "a5")])
def test_two_ranks_in_the_wrong_order_have_nothing_between_them(low: str, high: str) -> None:
    with pytest.raises(ValueError, match="no rank between"):
        between(low, high)


@pytest.mark.parametrize(
    ("low", "high", "made"),
    [
        (None, None, "a0"),
        ("a0", None, "a1"),
        (None, "a0", "Zz"),
        ("az", None, "b00"),
        (None, "Z0", "Yzz"),
        ("a0", "a1", "a0V"),
        ("a0", "a2", "a1"),
        ("a0", "a0V", "a0F"),
        ("a0", "a01", "a00V"),
        ("Zz", "a0V", "a0"),
        ("z" * 27, None, "z" * 27 + "V"),
    ],
)
def test_ranks_are_known(low: str | None, high: str | None, made: str) -> None:
    assert between(low, high) == made
