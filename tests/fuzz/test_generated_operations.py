"""Twenty thousand operations that hypothesis-graphql draws, on both executors: the long form of
`tests/graph/test_generated_operations.py`."""

import asyncio

import pytest

from tests.graph.test_generated_operations import compare_on_examples, drawn_mutations, drawn_queries
from tests.support.paired_apps import PairedApps

pytestmark = pytest.mark.fuzz

BATCHES, BATCH = 20, 500
_FIRST_SEED = 1_000  # beyond those of `make test`


@pytest.mark.parametrize("batch", range(BATCHES))
def test_drawn_queries_come_out_the_same(loop: asyncio.AbstractEventLoop, paired_apps: PairedApps, batch: int) -> None:
    counts = compare_on_examples(loop, paired_apps, drawn_queries(), writes=False, examples=BATCH, first_seed=_FIRST_SEED + batch)
    assert counts["asked"] >= BATCH
    assert counts["compiled"] > BATCH // 3  # the rest asks for what is not there or not allowed, which graphql-core words


@pytest.mark.parametrize("batch", range(BATCHES))
def test_drawn_mutations_come_out_the_same_and_do_the_same(
    loop: asyncio.AbstractEventLoop, isolated_paired_apps: PairedApps, batch: int
) -> None:
    counts = compare_on_examples(
        loop, isolated_paired_apps, drawn_mutations(), writes=True, examples=BATCH, first_seed=2 * _FIRST_SEED + batch
    )
    assert counts["asked"] >= BATCH
    assert counts["compiled"] > BATCH // 3
