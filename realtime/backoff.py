"""Waiting before the next attempt: longer each time, and never in step with other processes."""

import asyncio
import random


def spread(seconds: float) -> float:
    """About as long: between 0.75 and 1.25 of it."""
    return seconds * random.uniform(0.75, 1.25)  # noqa: S311 (no secret)


class Pauses:
    """Pauses between attempts, in seconds: each twice the one before, up to a longest."""

    def __init__(self, first: float, longest: float) -> None:
        self._first = first
        self._longest = longest
        self._next = first

    @property
    def rested(self) -> bool:
        """Whether there was none since the beginning, or since `reset`."""
        return self._next == self._first

    def reset(self) -> None:
        """An attempt succeeded."""
        self._next = self._first

    async def rest(self) -> None:
        """An attempt failed: wait."""
        wait, self._next = self._next, min(self._next * 2, self._longest)
        await asyncio.sleep(spread(wait))
