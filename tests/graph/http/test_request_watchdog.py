"""What a request had goes when it is given up, and does not wait for the collector of reference cycles, which runs seldom."""

import asyncio
import gc
import weakref
from typing import Any

import pytest

from gateway.execution.timeout import Timeout
from gateway.http.request_watchdog import ClientDisconnected, RequestTimeout, RequestWatchdog


class Rows:
    """Stands for what was fetched."""


async def disconnected() -> dict[str, Any]:
    return {"type": "http.disconnect"}


async def never_receives() -> dict[str, Any]:
    return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return]


async def rows_left_by(seconds: float, receive: Any, expected: type[Exception]) -> Rows | None:
    """What is left of a request's rows right after it was given up."""
    seen: list[weakref.ref[Rows]] = []

    async def work() -> None:
        rows = Rows()
        seen.append(weakref.ref(rows))
        await asyncio.sleep(60)
        del rows

    async def request() -> None:
        try:
            with RequestWatchdog(receive, seconds) as vigil:
                vigil.begin_operation(seconds)
                with Timeout(60):
                    await work()
        except expected:
            return
        raise AssertionError("nothing ended it")

    await asyncio.get_running_loop().create_task(request())
    await asyncio.sleep(0)  # the watcher ends
    return seen[0]()


@pytest.mark.parametrize(
    ("seconds", "receive", "expected"), [(60.0, disconnected, ClientDisconnected), (0.01, never_receives, RequestTimeout)]
)
async def test_a_request_that_is_given_up_leaves_nothing_in_a_cycle(
    seconds: float, receive: Any, expected: type[Exception]
) -> None:
    gc.disable()
    try:
        assert await rows_left_by(seconds, receive, expected) is None
    finally:
        gc.enable()
