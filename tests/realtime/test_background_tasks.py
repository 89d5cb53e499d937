"""Background tasks end with their owner, and a supervised one that ends earlier is reported to the event loop."""

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest

from realtime.background_tasks import DEAD_TASK, BackgroundTasks


@pytest.fixture
async def reports() -> AsyncIterator[list[dict[str, Any]]]:
    """What the event loop's exception handler is called with."""
    loop, found = asyncio.get_running_loop(), list[dict[str, Any]]()
    before = loop.get_exception_handler()
    loop.set_exception_handler(lambda _, context: found.append(context))
    yield found
    loop.set_exception_handler(before)


async def _fail() -> None:
    raise LookupError("a broken object")


async def _return() -> None:
    await asyncio.sleep(0)


async def _run_forever() -> None:
    await asyncio.Event().wait()


async def _cancel_itself() -> None:
    raise asyncio.CancelledError


@pytest.mark.parametrize("work", [_fail, _return, _cancel_itself])
async def test_a_supervised_task_that_ends_however_is_reported_by_its_name(work: Any, reports: list[dict[str, Any]]) -> None:
    tasks = BackgroundTasks()
    tasks.supervise(work(), "hub: messages")
    await asyncio.sleep(0.01)
    assert [each[DEAD_TASK] for each in reports] == ["hub: messages"]
    assert isinstance(reports[0].get("exception"), LookupError) == (work is _fail)
    await tasks.cancel_all()
    assert len(reports) == 1


async def test_a_supervised_task_that_ends_with_its_owner_is_not_reported(reports: list[dict[str, Any]]) -> None:
    tasks = BackgroundTasks()
    tasks.supervise(_run_forever(), "hub: messages")
    await asyncio.sleep(0)
    await tasks.cancel_all()
    assert reports == []


async def test_a_started_task_that_fails_is_logged_and_the_others_go_on(
    reports: list[dict[str, Any]], caplog: pytest.LogCaptureFixture
) -> None:
    tasks, done = BackgroundTasks(), list[str]()
    tasks.supervise(_run_forever(), "hub: messages")
    with caplog.at_level(logging.ERROR, "realtime.background_tasks"):
        tasks.start(_fail(), "hub: fill", on_done=lambda: done.append("fill"))
        tasks.start(_return(), "hub: other", on_done=lambda: done.append("other"))
        await asyncio.sleep(0.01)
    assert sorted(done) == ["fill", "other"]
    assert [record.getMessage() for record in caplog.records] == ["The task hub: fill failed."]
    assert reports == []
    await tasks.cancel_all()
