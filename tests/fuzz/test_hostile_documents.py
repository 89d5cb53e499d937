"""Ten thousand hostile documents: the long form of `tests/graph/test_hostile_documents.py`."""

import pytest

from tests.graph.test_hostile_documents import run_hostile_documents
from tests.support.app import App
from tests.support.teams import SampleTeam

pytestmark = pytest.mark.fuzz

BATCHES, BATCH = 20, 500
_FIRST_SEED = 1_000  # beyond those of `make test`


@pytest.mark.parametrize("batch", range(BATCHES))
async def test_hostile_documents_are_answered_in_bounded_time(app: App, team: SampleTeam, batch: int) -> None:
    start = _FIRST_SEED + batch * BATCH
    assert len(await run_hostile_documents(app, team, range(start, start + BATCH))) >= 4
