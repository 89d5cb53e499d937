"""Chooses how long to wait after a failure: anything up to a bound that doubles (full jitter).

So retries of many never come in step.
"""

import random


def full_jitter(failures: int, first_seconds: float, max_seconds: float) -> float:
    """A random pause after so many failures in a row, from 1."""
    return random.uniform(0.0, min(max_seconds, first_seconds * 2.0 ** min(failures - 1, 32)))  # noqa: S311 (no secret)
