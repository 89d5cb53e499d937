"""Lets the collector of reference cycles run as seldom as in a server: a pytest plugin.

By the time the first test runs, a worker holds a million objects of modules and test functions, none of them garbage. With Python's
thresholds they are looked through again and again: a tenth of the time of the collection, and a twentieth of that of the tests.
"""

import gc
from collections.abc import Generator

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Called by pytest around the import of all test modules."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()
        gc.set_threshold(10_000, 20, 100)  # as app.gc_tuning does
