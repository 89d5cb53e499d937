"""Prints how much time the tests of each folder took, added up over all workers."""

from collections import Counter
from typing import Any

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """A line per folder, slowest first: seconds, and the number of tests."""
    seconds: Counter[str] = Counter()
    tests: Counter[str] = Counter()
    for reports in terminalreporter.stats.values():
        for report in reports:
            _add(report, seconds, tests)
    if not seconds:
        return
    terminalreporter.section("time by folder")
    for folder, spent in seconds.most_common():
        terminalreporter.write_line(f"{spent:8.1f} s  {tests[folder]:5d} tests  {folder}")


def _add(report: Any, seconds: "Counter[str]", tests: "Counter[str]") -> None:
    if not hasattr(report, "duration") or not hasattr(report, "nodeid"):
        return
    folder = report.nodeid.partition("::")[0].rpartition("/")[0]
    seconds[folder] += report.duration
    tests[folder] += getattr(report, "when", "") == "call"
