"""Counts uses and costs for rate limits: in Redis, where all processes count together, or in the process.

Where Redis does not answer, each process counts by itself, and goes on from what it has counted before: a limit then holds for
each process instead of for all of them, and there is always one.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

from domain.cost_limit import CostLimiter
from domain.rate_limit import RateLimiter
from persistence.rate_limits.cost_memory import MemoryCostLimiter
from persistence.rate_limits.memory import MemoryRateLimiter


class RateLimiters(NamedTuple):
    """What counts uses, such as tries to sign in, and what counts the costs of operations."""

    uses: RateLimiter
    costs: CostLimiter


@asynccontextmanager
async def open_rate_limiters(redis_url: str | None, *, deployment: str) -> AsyncIterator[RateLimiters]:
    """The limiters at the URL; in memory without one. Processes with the same `deployment` count together."""
    if redis_url is None:
        yield RateLimiters(MemoryRateLimiter(), MemoryCostLimiter())
        return
    from persistence.rate_limits.cost_redis import RedisCostLimiter
    from persistence.rate_limits.redis import RedisRateLimiter
    from persistence.rate_limits.script_runner import ScriptRunner  # its client takes 0.3 s and 7 MB to import

    runner = ScriptRunner(redis_url, deployment=deployment)
    try:
        async with RedisCostLimiter.open(runner) as costs:
            yield RateLimiters(RedisRateLimiter(runner), costs)
    finally:
        await runner.close()
