"""Waits before the next attempt: longer each time, and never in step with other processes."""

import asyncio
import random


def jitter(seconds: float) -> float:
    """A random time between 0.75 and 1.25 of this one."""
    return seconds * random.uniform(0.75, 1.25)  # noqa: S311 (no secret)


class Backoff:
    """Pauses between attempts, in seconds: each twice the one before, up to a longest."""

    def __init__(self, initial_seconds: float, max_seconds: float) -> None:
        self._initial_seconds = initial_seconds
        self._max_seconds = max_seconds
        self._next_seconds = initial_seconds

    @property
    def is_reset(self) -> bool:
        """Whether there was no pause since the beginning or since `reset`."""
        return self._next_seconds == self._initial_seconds

    def reset(self) -> None:
        """An attempt succeeded."""
        self._next_seconds = self._initial_seconds

    async def wait(self) -> None:
        """An attempt failed: wait."""
        pause, self._next_seconds = self._next_seconds, min(self._next_seconds * 2, self._max_seconds)
        await asyncio.sleep(jitter(pause))
