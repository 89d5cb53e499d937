"""Operations that hypothesis-graphql draws come out the same from a compiled program and from graphql-core, byte for byte."""

import asyncio
from collections import Counter

import pytest
from hypothesis.strategies import SearchStrategy

from schema.root import schema
from tests.drawn import Drawn, drawn, for_each
from tests.graph.test_executors import both
from tests.twins import Twins

pytestmark = pytest.mark.slow

EXAMPLES = 150
CORE = schema._schema
_LONE = {"userDelete", "teamDelete"}  # nobody would be left to ask
_HASHED = {"sessionCreate", "userRegister", "userUpdate"}  # passwords are slow by design
QUERIES = drawn(CORE)
MUTATIONS = drawn(CORE, writes=True, without=frozenset(_LONE | _HASHED))


def compare_drawn(
    loop: asyncio.AbstractEventLoop, houses: Twins, strategy: "SearchStrategy[Drawn]", *, writes: bool, examples: int, first: int
) -> Counter[str]:
    """
    Ask both executors the same, as people of every kind; how many operations ran, and how many of them a program answered.

    Not a coroutine: Hypothesis calls what it checks, and must not draw while anything else runs on the loop.
    """
    people = houses.people
    callers = [people.member, people.member, people.owner, people.guest, people.outsider, None]
    counts: Counter[str] = Counter()

    def same(example: Drawn) -> None:
        made = example.operation(CORE, houses.ids)
        caller = callers[example.seed % len(callers)]
        asking = houses.asked(caller, made) if writes else both(houses.first, caller, made.query, made.variables)
        one, other, compiled = loop.run_until_complete(asking)
        assert b'"INTERNAL"' not in one, (made, one)
        assert one == other, made
        counts.update(asked=1, compiled=compiled)

    for_each(strategy, same, examples=examples, first=first)
    if writes:
        one, other = loop.run_until_complete(houses.stand())
        assert one == other
    return counts


def test_drawn_queries_come_out_the_same(loop: asyncio.AbstractEventLoop, houses: Twins) -> None:
    counts = compare_drawn(loop, houses, QUERIES, writes=False, examples=EXAMPLES, first=1)
    assert counts["asked"] >= EXAMPLES
    assert counts["compiled"] > EXAMPLES // 3


def test_drawn_mutations_come_out_the_same_and_do_the_same(loop: asyncio.AbstractEventLoop, own_houses: Twins) -> None:
    counts = compare_drawn(loop, own_houses, MUTATIONS, writes=True, examples=EXAMPLES, first=2)
    assert counts["asked"] >= EXAMPLES
    assert counts["compiled"] > EXAMPLES // 3
