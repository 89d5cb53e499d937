"""Counts uses for rate limits in Redis, for all processes together, by one script that runs as a whole.

A counter is a list of the times of a subject's last uses, in milliseconds of Redis' own clock, at most as many as are allowed;
Redis deletes it when it has not changed for a window. After a failure Redis is not asked for two seconds.
"""

import asyncio
import logging
import time
from hashlib import blake2b
from typing import Final

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from domain.rate_limit import LimitedUse
from persistence.rate_limits.memory import MemoryRateLimiter, counter_key

logger = logging.getLogger(__name__)

TIMEOUT_SECONDS: Final = 0.5
RETRY_AFTER_SECONDS: Final = 2.0
_MAX_CONNECTIONS: Final = 8
# KEYS are counters; ARGV holds for each how many uses are allowed, and the window in milliseconds. Returns the milliseconds to
# wait.
_TAKE: Final = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local wait = 0
for i, key in ipairs(KEYS) do
  local max_uses, window = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  local oldest = redis.call('LINDEX', key, max_uses - 1)
  if oldest then wait = math.max(wait, tonumber(oldest) + window - now) end
end
if wait > 0 then return wait end
for i, key in ipairs(KEYS) do
  redis.call('LPUSH', key, string.format('%.0f', now))
  redis.call('LTRIM', key, 0, ARGV[2 * i - 1] - 1)
  redis.call('PEXPIRE', key, ARGV[2 * i])
end
return 0
"""


class RedisRateLimiter:
    """Counters in the Redis at `url`. This process counts too what was allowed, for when Redis does not answer."""

    def __init__(self, url: str, *, deployment: str, memory: MemoryRateLimiter | None = None) -> None:
        self._memory = memory or MemoryRateLimiter()
        # All counters are in one slot of a cluster, as one script reads several.
        self._prefix = f"hive:{{limits:{blake2b(deployment.encode(), digest_size=6).hexdigest()}}}:"
        self._next_try = 0.0
        self._redis: Redis = Redis.from_pool(
            BlockingConnectionPool.from_url(
                url,
                protocol=2,
                retry=Retry(NoBackoff(), 0),
                max_connections=_MAX_CONNECTIONS,
                timeout=TIMEOUT_SECONDS,
                socket_connect_timeout=TIMEOUT_SECONDS,
                socket_timeout=TIMEOUT_SECONDS,
            )
        )
        self._take_script = self._redis.register_script(_TAKE)

    async def take(self, *uses: LimitedUse) -> float | None:
        """Count every one of the uses and return None; or count none, and return the seconds until all would be allowed."""
        if time.monotonic() < self._next_try:
            return await self._memory.take(*uses)
        arguments = [number for use in uses for number in (use.limit.max_uses, use.limit.window_seconds * 1000)]
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                wait_milliseconds = await self._take_script(keys=self._keys(uses), args=arguments)
        except (OSError, RedisError, TimeoutError) as error:
            self._suspend(error)
            return await self._memory.take(*uses)
        if wait_milliseconds > 0:
            return float(wait_milliseconds) / 1000
        self._memory.record(*uses)
        return None

    async def reset(self, *uses: LimitedUse) -> None:
        """Forget what was counted for the subjects of these."""
        await self._memory.reset(*uses)
        if time.monotonic() < self._next_try:
            return
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                await self._redis.delete(*self._keys(uses))
        except (OSError, RedisError, TimeoutError) as error:
            self._suspend(error)

    async def give_back(self, *uses: LimitedUse) -> None:
        """Forget the latest use of the subjects of these."""
        await self._memory.give_back(*uses)
        if time.monotonic() < self._next_try:
            return
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                for key in self._keys(uses):
                    await self._redis.lpop(key)
        except (OSError, RedisError, TimeoutError) as error:
            self._suspend(error)

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()

    def _keys(self, uses: tuple[LimitedUse, ...]) -> list[str]:
        return [self._prefix + counter_key(use) for use in uses]

    def _suspend(self, error: Exception) -> None:
        logger.warning("Redis is unavailable; this process counts by itself for rate limits: %s", error)
        self._next_try = time.monotonic() + RETRY_AFTER_SECONDS
