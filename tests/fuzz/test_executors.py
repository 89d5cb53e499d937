"""Eighty thousand generated operations, on both executors: the long form of `tests/graph/test_executors.py`."""

import pytest

from tests.graph.test_executors import compare_executors
from tests.support.app import App
from tests.support.sample_data import create_sample_data
from tests.support.teams import create_sample_team

pytestmark = pytest.mark.fuzz

BATCHES, BATCH = 160, 500
_FIRST_SEED = 1_000_000  # beyond those of `make test`


@pytest.mark.parametrize("batch", range(BATCHES))
async def test_generated_operations_come_out_the_same(app: App, batch: int) -> None:
    people = await create_sample_team(app)
    known = await create_sample_data(app, people)
    start = _FIRST_SEED + batch * BATCH
    assert await compare_executors(app, known, people, range(start, start + BATCH)) > BATCH // 4
