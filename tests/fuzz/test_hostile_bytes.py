"""Twenty thousand broken frames and five thousand broken requests: the long form of `tests/graph/http/test_hostile_bytes.py`."""

from collections.abc import AsyncIterator

import pytest

from tests.graph.http.test_hostile_bytes import FRAMES_A_CONNECTION, assert_unharmed, send_frames, send_requests
from tests.support.sample_server import SampleServer, run_sample_server

pytestmark = pytest.mark.fuzz

BATCHES, FRAMES, REQUESTS = 10, 20_000, 5_000
_FIRST_SEED = 10_000  # beyond those of `make test`


@pytest.fixture(scope="module")
async def server() -> AsyncIterator[SampleServer]:
    async with run_sample_server(init_timeout_seconds=0.5) as started:
        yield started


@pytest.mark.parametrize("batch", range(BATCHES))
async def test_broken_frames_end_a_connection_with_a_code_and_nothing_else(
    server: SampleServer, batch: int, caplog: pytest.LogCaptureFixture
) -> None:
    connections = FRAMES // FRAMES_A_CONNECTION // BATCHES
    start = _FIRST_SEED + batch * connections
    await send_frames(server, range(start, start + connections))
    await assert_unharmed(server, caplog)


@pytest.mark.parametrize("batch", range(BATCHES))
async def test_broken_requests_are_refused_and_never_a_bug(
    server: SampleServer, batch: int, caplog: pytest.LogCaptureFixture
) -> None:
    start = _FIRST_SEED + batch * (REQUESTS // BATCHES)
    await send_requests(server, range(start, start + REQUESTS // BATCHES))
    await assert_unharmed(server, caplog)
