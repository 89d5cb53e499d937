"""Counts uses for rate limits: in Redis, where all processes count together, or in the process.

Where Redis does not answer, each process counts by itself, and goes on from what it has counted before: a limit then holds for
each process instead of for all of them, and there is always one.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from domain.rate_limit import RateLimiter
from persistence.rate_limits.memory import MemoryRateLimiter


@asynccontextmanager
async def open_rate_limiter(redis_url: str | None, *, deployment: str) -> AsyncIterator[RateLimiter]:
    """The limiter at the URL; in memory without one. Processes with the same `deployment` count together."""
    if redis_url is None:
        yield MemoryRateLimiter()
        return
    from persistence.rate_limits.redis import RedisRateLimiter  # its client takes 0.3 s and 7 MB to import

    limiter = RedisRateLimiter(redis_url, deployment=deployment)
    try:
        yield limiter
    finally:
        await limiter.close()
