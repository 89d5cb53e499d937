"""Counts uses for rate limits in Redis, for all processes together, by one script that runs as a whole.

A counter is a list of the times of a subject's last uses, in milliseconds of Redis' own clock, at most as many as are allowed;
Redis deletes it when it has not changed for a window.
"""

from contextlib import suppress
from functools import partial
from typing import Final

from domain.rate_limit import LimitedUse
from persistence.rate_limits.memory import MemoryRateLimiter, counter_key
from persistence.rate_limits.script_runner import RedisUnavailable, ScriptRunner

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
    """Counters in Redis. This process counts too what was allowed, for when Redis does not answer."""

    def __init__(self, runner: ScriptRunner, *, memory: MemoryRateLimiter | None = None) -> None:
        self._runner = runner
        self._memory = memory or MemoryRateLimiter()
        self._take_script = runner.redis.register_script(_TAKE)

    async def take(self, *uses: LimitedUse) -> float | None:
        """Count every one of the uses and return None; or count none, and return the seconds until all would be allowed."""
        arguments = [number for use in uses for number in (use.limit.max_uses, use.limit.window_seconds * 1000)]
        try:
            wait_milliseconds = await self._runner.run(lambda: self._take_script(keys=self._keys(uses), args=arguments))
        except RedisUnavailable:
            return await self._memory.take(*uses)
        if wait_milliseconds > 0:
            return float(wait_milliseconds) / 1000
        self._memory.record(*uses)
        return None

    async def reset(self, *uses: LimitedUse) -> None:
        """Forget what was counted for the subjects of these."""
        await self._memory.reset(*uses)
        with suppress(RedisUnavailable):
            await self._runner.run(lambda: self._runner.redis.delete(*self._keys(uses)))

    async def give_back(self, *uses: LimitedUse) -> None:
        """Forget the latest use of the subjects of these."""
        await self._memory.give_back(*uses)
        with suppress(RedisUnavailable):
            for key in self._keys(uses):
                await self._runner.run(partial(self._runner.redis.lpop, key))

    def _keys(self, uses: tuple[LimitedUse, ...]) -> list[str]:
        return [self._runner.key(counter_key(use)) for use in uses]
