"""Runs the scripts of rate limits in Redis, and stops asking for two seconds when it does not answer."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from hashlib import blake2b
from typing import Any, Final

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from domain.errors import Unavailable
from transport.redis_connections import blocking_connection_pool

logger = logging.getLogger(__name__)

TIMEOUT_SECONDS: Final = 0.5
RETRY_AFTER_SECONDS: Final = 2.0
_MAX_CONNECTIONS: Final = 8


class RedisUnavailable(Unavailable):
    """Redis does not answer, or has not answered a moment ago."""


class ScriptRunner:
    """The Redis at `url`, for the counters of one deployment, and connections for them."""

    def __init__(self, url: str, *, deployment: str) -> None:
        # All counters are in one slot of a cluster, as one script reads several.
        self._prefix = f"hive:{{limits:{blake2b(deployment.encode(), digest_size=6).hexdigest()}}}:"
        self._next_try = 0.0
        self.redis: Redis = Redis.from_pool(
            blocking_connection_pool(
                url,
                protocol=2,
                retry=Retry(NoBackoff(), 0),
                max_connections=_MAX_CONNECTIONS,
                timeout=TIMEOUT_SECONDS,
                socket_connect_timeout=TIMEOUT_SECONDS,
                socket_timeout=TIMEOUT_SECONDS,
            )
        )

    @property
    def is_suspended(self) -> bool:
        """Whether Redis is not asked now, since it has failed."""
        return time.monotonic() < self._next_try

    def key(self, name: str) -> str:
        """The key of a counter."""
        return self._prefix + name

    async def run(self, command: Callable[[], Awaitable[Any]]) -> Any:
        """The result of a command or script on `redis`. Raises RedisUnavailable."""
        if self.is_suspended:
            raise RedisUnavailable("Redis is not asked.")
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                return await command()
        except (OSError, RedisError, TimeoutError) as error:
            logger.warning("Redis is unavailable; this process counts by itself for rate limits: %s", error)
            self._next_try = time.monotonic() + RETRY_AFTER_SECONDS
            raise RedisUnavailable("Redis does not answer.") from error

    async def close(self) -> None:
        """Close the connections."""
        await self.redis.aclose()
