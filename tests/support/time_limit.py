"""Fails a test that takes more than ten seconds of the processor and is not marked for that: a pytest plugin.

What counts is the time of this process and of the programs that ended during the test, not the time on the clock: how long a test
waits depends on what else the machine does.
"""

import os
from collections.abc import Callable, Generator

import pytest

LIMIT_SECONDS = 10.0
LONG_MARKS = ("slow", "long", "chaos", "clients", "attack", "browser", "fuzz")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Called by pytest around the body of each test."""
    began = _processor_seconds()
    result = yield
    require_within_limit(_processor_seconds() - began, lambda name: item.get_closest_marker(name) is not None)
    return result


def require_within_limit(seconds: float, has_mark: Callable[[str], bool]) -> None:
    """Fail for a test that took so many seconds, if that is too many."""
    if seconds > LIMIT_SECONDS and not any(map(has_mark, LONG_MARKS)):
        pytest.fail(
            f"This test took {seconds:.1f} s of the processor; more than {LIMIT_SECONDS:g} s are for tests that are marked slow.",
            pytrace=False,
        )


def _processor_seconds() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system
