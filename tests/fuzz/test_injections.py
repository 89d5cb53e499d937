"""Two thousand payloads at every coordinate of the graph that takes text: the long form of `tests/graph/test_injections.py`."""

import logging

import pytest

from tests.graph.test_injections import inject, these_at_every_coordinate
from tests.support.app import App
from tests.support.injections import COUNT, injections
from tests.support.loop_steps import loop_steps
from tests.support.tenants import create_tenant

pytestmark = pytest.mark.fuzz

BATCH = 50


@pytest.mark.parametrize("first", range(0, COUNT, BATCH))
async def test_what_is_injected_is_refused_or_stored_as_it_was(
    app: App, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, first: int
) -> None:
    tenant = await create_tenant(app)  # one that has not reached its limits
    with loop_steps(monkeypatch) as steps:
        outcomes = await inject(app, tenant, these_at_every_coordinate(injections()[first : first + BATCH]), steps)
    assert outcomes.problems == []
    assert outcomes.counts["stored"] > BATCH
    assert [each.getMessage() for each in caplog.records if each.levelno >= logging.ERROR or each.exc_info] == []
