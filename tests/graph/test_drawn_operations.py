"""Operations that hypothesis-graphql draws come out the same from a compiled program and from graphql-core, byte for byte."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import pytest
from hypothesis.strategies import SearchStrategy

from schema.root import schema
from tests.drawn import Drawn, drawn, for_each
from tests.graph.test_executors import both
from tests.twins import Twins, twins

EXAMPLES = 150
CORE = schema._schema
_LONE = {"userDelete", "teamDelete"}  # nobody would be left to ask
_HASHED = {"sessionCreate", "userRegister", "userUpdate"}  # passwords are slow by design
QUERIES = drawn(CORE)
MUTATIONS = drawn(CORE, writes=True, without=frozenset(_LONE | _HASHED))


@pytest.fixture(scope="module")
async def houses(postgres_server: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Twins]:
    """Two houses that hold the same."""
    from tests.conftest import prepare
    from tests.services import database_from_template

    async with (
        database_from_template(postgres_server, "migrated", prepare) as url,
        twins(postgres_server, url, tmp_path_factory.mktemp("twins")) as opened,
    ):
        yield opened


async def compare_drawn(
    houses: Twins, strategy: "SearchStrategy[Drawn]", *, writes: bool, examples: int, first: int
) -> Counter[str]:
    """Ask both executors the same, as people of every kind; how many operations ran, and how many of them a program answered."""
    people = houses.people
    callers = [people.member, people.member, people.owner, people.guest, people.outsider, None]
    loop = asyncio.get_running_loop()
    counts: Counter[str] = Counter()

    async def same(example: Drawn) -> None:
        made = example.operation(CORE, houses.ids)
        caller = callers[example.seed % len(callers)]
        if writes:
            one, other, compiled = await houses.asked(caller, made)
        else:
            one, other, compiled = await both(houses.first, caller, made.query, made.variables)
        assert b'"INTERNAL"' not in one, (made, one)
        assert one == other, made
        counts.update(asked=1, compiled=compiled, answered=b'"data":{' in one)

    # Hypothesis runs in a thread of its own and waits there, since it calls what it checks as a plain function.
    await asyncio.to_thread(
        for_each,
        strategy,
        lambda example: asyncio.run_coroutine_threadsafe(same(example), loop).result(),
        examples=examples,
        first=first,
    )
    if writes:
        one, other = await houses.stand()
        assert one == other
    return counts


async def test_drawn_queries_come_out_the_same(houses: Twins) -> None:
    counts = await compare_drawn(houses, QUERIES, writes=False, examples=EXAMPLES, first=1)
    assert counts["asked"] >= EXAMPLES
    assert counts["compiled"] > EXAMPLES // 2


async def test_drawn_mutations_come_out_the_same_and_do_the_same(houses: Twins) -> None:
    counts = await compare_drawn(houses, MUTATIONS, writes=True, examples=EXAMPLES, first=2)
    assert counts["asked"] >= EXAMPLES
    assert counts["compiled"] > EXAMPLES // 2
