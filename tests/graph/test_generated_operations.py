"""Operations that hypothesis-graphql draws come out the same from a compiled program and from graphql-core, byte for byte."""

import asyncio
from collections import Counter
from functools import cache

import pytest
from hypothesis.strategies import SearchStrategy

from schema.root import schema
from tests.graph.test_executors import execute_both
from tests.support.paired_apps import PairedApps
from tests.support.strategies import GeneratedDocument, check_examples, generated_documents

pytestmark = pytest.mark.slow

EXAMPLES = 60
CORE_SCHEMA = schema._schema
_ACCOUNT_DELETIONS = {"userDelete", "teamDelete"}  # nobody would be left to ask
_PASSWORD_MUTATIONS = {
    "passwordChange",
    "sessionCreate",
    "sessionReauthenticate",
    "userRegister",
    "userUpdate",
}  # passwords are slow by design
_RANDOM = {"passkeyRequestCreate"}  # two answers are never the same
_LEFT_OUT = frozenset(_ACCOUNT_DELETIONS | _PASSWORD_MUTATIONS | _RANDOM)


@cache
def drawn_queries() -> "SearchStrategy[GeneratedDocument]":
    """Queries; made when a test first asks, since that takes seconds, and every worker imports this module."""
    return generated_documents(CORE_SCHEMA)


@cache
def drawn_mutations() -> "SearchStrategy[GeneratedDocument]":
    """Mutations after which there is still somebody to ask; the same."""
    return generated_documents(CORE_SCHEMA, mutations_only=True, without=_LEFT_OUT)


def compare_on_examples(
    loop: asyncio.AbstractEventLoop,
    apps: PairedApps,
    strategy: "SearchStrategy[GeneratedDocument]",
    *,
    writes: bool,
    examples: int,
    first_seed: int,
) -> Counter[str]:
    """
    Ask both executors the same, as people of every kind; how many operations ran, and how many of them a program answered.

    Not a coroutine: Hypothesis calls what it checks, and must not draw while anything else runs on the loop.
    """
    people = apps.team
    callers = [people.member, people.member, people.owner, people.guest, people.outsider, None]
    counts: Counter[str] = Counter()

    def same(example: GeneratedDocument) -> None:
        made = example.operation(CORE_SCHEMA, apps.ids)
        caller = callers[example.seed % len(callers)]
        asking = apps.execute_both(caller, made) if writes else execute_both(apps.first, caller, made.query, made.variables)
        one, other, compiled = loop.run_until_complete(asking)
        assert b'"INTERNAL"' not in one, (made, one)
        assert one == other, made
        counts.update(asked=1, compiled=compiled)

    check_examples(strategy, same, examples=examples, first_seed=first_seed)
    if writes:
        one, other = loop.run_until_complete(apps.database_states())
        assert one == other
    return counts


def test_drawn_queries_come_out_the_same(loop: asyncio.AbstractEventLoop, paired_apps: PairedApps) -> None:
    counts = compare_on_examples(loop, paired_apps, drawn_queries(), writes=False, examples=EXAMPLES, first_seed=1)
    assert counts["asked"] >= EXAMPLES
    assert counts["compiled"] > EXAMPLES // 3


def test_drawn_mutations_come_out_the_same_and_do_the_same(
    loop: asyncio.AbstractEventLoop, isolated_paired_apps: PairedApps
) -> None:
    counts = compare_on_examples(loop, isolated_paired_apps, drawn_mutations(), writes=True, examples=EXAMPLES, first_seed=2)
    assert counts["asked"] >= EXAMPLES
    assert counts["compiled"] > EXAMPLES // 3
