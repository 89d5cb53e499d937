"""Runs a test again that failed while the machine stood still: a pytest plugin.

A virtual machine may be halted for ten or thirty seconds. Clocks go on meanwhile, so all limits of time that a test or the product
has are over at once, and what fails then says nothing about either. A thread that wakes up ten times a second notices it. What fails
without such a pause fails; what was run again is named at the end of the run.
"""

import time
from collections.abc import Generator
from threading import Event, Lock, Thread

import pytest
from _pytest.runner import runtestprotocol

MIN_PAUSE_SECONDS = 1.0
MAX_RUNS = 3
_WAKE_UP_SECONDS = 0.1
_PROPERTY = "seconds for which the machine stood still"


class PauseMeter:
    """Adds up for how long this process did not run, while it would have."""

    def __init__(self) -> None:
        self._paused_seconds = 0.0
        self._clock, self._worked = time.monotonic(), time.process_time()
        self._lock = Lock()
        self._stopped = Event()
        self._thread = Thread(target=self._run, name="pause meter", daemon=True)
        self._thread.start()

    def measure(self) -> float:
        """The seconds of all pauses until now. Whoever runs first after one counts it, the thread or who asks."""
        with self._lock:
            now, works = time.monotonic(), time.process_time()
            self._paused_seconds += pause_seconds(now - self._clock, works - self._worked)
            self._clock, self._worked = now, works
            return self._paused_seconds

    def stop(self) -> None:
        """End the thread."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(_WAKE_UP_SECONDS):
            self.measure()


def pause_seconds(passed_seconds: float, worked_seconds: float) -> float:
    """Of the time between two moments at which a thread ran, that for which the machine stood still.

    A long time in which the process itself worked is no pause: other threads wait while one computes in C.
    """
    still = passed_seconds - _WAKE_UP_SECONDS - worked_seconds
    return still if still >= MIN_PAUSE_SECONDS else 0.0


_meter_key = pytest.StashKey[PauseMeter]()


def pytest_sessionstart(session: pytest.Session) -> None:
    session.config.stash[_meter_key] = PauseMeter()


def pytest_sessionfinish(session: pytest.Session) -> None:
    session.config.stash[_meter_key].stop()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool:
    """Called by pytest for each test, to run it and report."""
    meter = item.config.stash[_meter_key]
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    reports: list[pytest.TestReport] = []
    paused = 0.0
    for _ in range(MAX_RUNS):
        before = meter.measure()
        reports = runtestprotocol(item, log=False, nextitem=nextitem)
        seconds = meter.measure() - before
        if not seconds or not any(report.failed for report in reports):
            break
        paused += seconds
        _forget_failed_fixtures(item)
    for report in reports:
        if paused:
            report.user_properties.append((_PROPERTY, round(paused, 1)))
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


def _forget_failed_fixtures(item: pytest.Item) -> None:
    """Let fixtures of a wider scope whose setup failed be set up again, rather than fail as they did."""
    assert isinstance(item, pytest.Function)
    item._initrequest()
    for definitions in item._fixtureinfo.name2fixturedefs.values():
        for definition in definitions:
            if definition.cached_result is not None and definition.cached_result[2] is not None:
                definition.finish(item._request)  # type: ignore[arg-type]


@pytest.hookimpl(wrapper=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> Generator[None, None, None]:
    """A line for each test that was run again."""
    again = {
        report.nodeid: dict(report.user_properties)[_PROPERTY]
        for reports in terminalreporter.stats.values()
        for report in reports
        if isinstance(report, pytest.TestReport) and _PROPERTY in dict(report.user_properties)
    }
    if again:
        terminalreporter.section("run again, since the machine stood still")
        for node_id, seconds in sorted(again.items()):
            terminalreporter.write_line(f"{seconds:8.1f} s  {node_id}")
    return (yield)
