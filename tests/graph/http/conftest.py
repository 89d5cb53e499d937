"""Fixtures of the endpoint's tests: the sample graph in this process and behind a real uvicorn."""

import logging
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from tests.support.sample_app import build_sample_app
from tests.support.sample_graph import JOURNAL, Journal
from tests.support.sample_server import SampleServer, run_sample_server
from transport.uvicorn_websocket import WebSocketProtocol


@pytest.fixture(autouse=True)
def journal() -> Journal:
    """What the resolvers of one test went through."""
    JOURNAL.__init__()  # type: ignore[misc]
    return JOURNAL


@pytest.fixture
async def in_process() -> AsyncIterator[httpx.AsyncClient]:
    """A client of the sample graph, without a server between that would refuse what is no HTTP."""
    transport = httpx.ASGITransport(build_sample_app().app)
    async with httpx.AsyncClient(transport=transport, base_url="http://graph.test") as client:
        yield client


@pytest.fixture(params=["ASGI", pytest.param("short way", marks=pytest.mark.slow)])
async def http(request: pytest.FixtureRequest, in_process: httpx.AsyncClient) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the sample graph: without a server, and over a socket, where whole requests go past ASGI."""
    if request.param == "ASGI":
        yield in_process
        return
    async with run_sample_server() as started, httpx.AsyncClient(base_url=f"http://127.0.0.1:{started.port}") as client:
        yield client


@pytest.fixture(scope="module", params=[WebSocketProtocol, "websockets-sansio"], ids=["taken over", "ASGI"])
async def server(request: pytest.FixtureRequest) -> AsyncIterator[SampleServer]:
    """The sample graph behind uvicorn, whose websockets are taken over, or not."""
    async with run_sample_server(ws=request.param) as started:
        yield started


@pytest.fixture
def no_warnings(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Nothing is logged as a warning or worse."""
    caplog.set_level(logging.WARNING)
    yield
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []
