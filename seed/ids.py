"""Ids and random numbers that are the same in every run."""

from datetime import UTC, datetime
from random import Random
from uuid import UUID

_FIRST_DAY = datetime(2026, 1, 5, tzinfo=UTC)
_RANDOM_BITS = 62


def seeded_random(seed: int) -> Random:
    """A generator of the same numbers for the same seed."""
    return Random(seed)  # noqa: S311 - generated rows need no secrets


class Ids:
    """UUIDv7s that are the same in every run: one for each millisecond from a fixed day on."""

    def __init__(self, seed: int) -> None:
        self._rng = seeded_random(seed)
        self._millisecond = int(_FIRST_DAY.timestamp() * 1000)

    def __call__(self) -> UUID:
        """The next id; it sorts after all earlier ones."""
        self._millisecond += 1
        high, low = self._rng.getrandbits(12), self._rng.getrandbits(_RANDOM_BITS)
        return UUID(int=self._millisecond << 80 | 7 << 76 | high << 64 | 2 << _RANDOM_BITS | low)
