"""What an executor counts while it answers: how long operations take, and the codes of the errors that clients are told.

Lists of whole numbers, read when somebody asks (the server's `metrics`): prometheus_client's own histogram takes a lock and several calls
for each observation, which costs eight times as much.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable
from typing import Any, Final

BOUNDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Seconds; the last bucket, without a bound, holds what took longer."""


class Durations:
    """How long one kind of thing took, by buckets."""

    __slots__ = ("buckets", "seconds")

    def __init__(self) -> None:
        self.buckets = [0] * (len(BOUNDS) + 1)
        self.seconds = 0.0

    def took(self, seconds: float) -> None:
        """Count one."""
        self.buckets[bisect_left(BOUNDS, seconds)] += 1
        self.seconds += seconds


class Tally:
    """The counts of one executor. Only ever growing; read them from any thread."""

    __slots__ = ("errors", "events", "mutations", "queries")

    def __init__(self) -> None:
        self.queries, self.mutations, self.events = Durations(), Durations(), Durations()
        self.errors: Counter[str] = Counter()

    def told(self, errors: Iterable[dict[str, Any]]) -> None:
        """Count the errors of an answer, by their codes."""
        self.errors.update(each["extensions"]["code"] for each in errors)
