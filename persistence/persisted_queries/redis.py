"""Stores the texts of persisted queries in Redis, where every process finds them."""

import asyncio
import logging
import time
from hashlib import sha256
from typing import Final

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from persistence.persisted_queries.memory import MemoryTexts
from transport.redis_connections import connection_pool

logger = logging.getLogger(__name__)

TIMEOUT_SECONDS: Final = 0.5
RETRY_AFTER_SECONDS: Final = 2.0
_EXPIRY_SECONDS: Final = 30 * 24 * 3600


class RedisTexts:
    """Texts in the Redis at `url`, behind a cache in memory."""

    def __init__(self, url: str, memory: MemoryTexts | None = None, *, prefix: str = "hive:query:") -> None:
        self._memory = memory or MemoryTexts()
        self._prefix = prefix
        self._next_try = 0.0
        self._redis: Redis = Redis.from_pool(
            connection_pool(
                url,
                protocol=2,
                retry=Retry(NoBackoff(), 0),
                max_connections=16,
                socket_connect_timeout=TIMEOUT_SECONDS,
                socket_timeout=TIMEOUT_SECONDS,
            )
        )

    def has(self, digest: str, text: str) -> bool:
        """Whether this text is in memory, and so was put into Redis or came from there."""
        return self._memory.has(digest, text)

    async def get(self, digest: str) -> str | None:
        """The text with this SHA-256; a value of Redis is used only when it has that hash."""
        if (text := await self._memory.get(digest)) is not None or self._is_suspended():
            return text
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                found = await self._redis.getex(self._prefix + digest, ex=_EXPIRY_SECONDS)
        except (OSError, RedisError, TimeoutError) as error:
            self._suspend(error)
            return None
        if not isinstance(found, bytes) or sha256(found).hexdigest() != digest:
            return None
        text = found.decode(errors="replace")
        await self._memory.put(digest, text)
        return text

    async def put(self, digest: str, text: str) -> None:
        """Store a text whose SHA-256 was checked."""
        await self._memory.put(digest, text)
        if self._is_suspended():
            return
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                await self._redis.set(self._prefix + digest, text.encode(errors="replace"), ex=_EXPIRY_SECONDS)
        except (OSError, RedisError, TimeoutError) as error:
            self._suspend(error)

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()

    def _is_suspended(self) -> bool:
        return time.monotonic() < self._next_try

    def _suspend(self, error: Exception) -> None:
        logger.warning(
            "Redis is unavailable; clients send again the persisted queries that this process does not have: %s", error
        )
        self._next_try = time.monotonic() + RETRY_AFTER_SECONDS
