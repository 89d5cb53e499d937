"""Stops asking a service that fails, and asks again now and then whether it is back."""

from collections.abc import Callable
from typing import Final

MAX_FAILURES: Final = 3
FIRST_PAUSE_SECONDS, MAX_PAUSE_SECONDS = 1.0, 8.0


class CircuitBreaker:
    """
    Open after three failures in a row: then one caller is let through after every pause, which doubles from 1 up to 8 seconds.

    `clock` tells seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._failures = 0
        self._closed_from = 0.0

    @property
    def is_open(self) -> bool:
        """Whether the service has failed lately, and is left alone."""
        return self._failures >= MAX_FAILURES

    def allows(self) -> bool:
        """Whether to ask now. Of several callers after a pause, one is let through."""
        if not self.is_open:
            return True
        now = self._clock()
        if now < self._closed_from:
            return False
        self._closed_from = now + self._pause_seconds
        return True

    def succeed(self) -> None:
        """The service has answered."""
        self._failures = 0

    def fail(self) -> None:
        """The service has not answered, or not in time."""
        self._failures += 1
        if self.is_open:
            self._closed_from = self._clock() + self._pause_seconds

    @property
    def _pause_seconds(self) -> float:
        return min(MAX_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0 ** min(self._failures - MAX_FAILURES, 10))
