"""Where the texts of persisted queries are kept: in the process, and beside it in Redis so that every process knows them.

Losing them costs a client one more request, so both are caches: bounded here, let go after a month unused there, and Redis away is as
if nothing was found. After a failure Redis is left alone for two seconds, so that a Redis that hangs costs one request in a while half
a second, and the others nothing.
"""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from typing import Final

from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

ENTRIES: Final = 5_000
CHARACTERS: Final = 8 * 1024 * 1024
TIMEOUT: Final = 0.5
LEFT_ALONE: Final = 2.0
_MONTH: Final = 30 * 24 * 3600


class MemoryTexts:
    """The texts used last, bounded by their number and their length together."""

    def __init__(self, entries: int = ENTRIES, characters: int = CHARACTERS) -> None:
        self._entries = entries
        self._characters = characters
        self._used = 0
        self._kept: OrderedDict[str, str] = OrderedDict()

    def has(self, digest: str, text: str) -> bool:
        """Whether this text is stored."""
        if self._kept.get(digest) != text:
            return False
        self._kept.move_to_end(digest)
        return True

    async def get(self, digest: str) -> str | None:
        """The text with this SHA-256 (64 small hex digits)."""
        if (text := self._kept.get(digest)) is not None:
            self._kept.move_to_end(digest)
        return text

    async def put(self, digest: str, text: str) -> None:
        """Keep a text whose SHA-256 was checked."""
        self._used += len(text) - len(self._kept.pop(digest, ""))
        self._kept[digest] = text
        while len(self._kept) > self._entries or self._used > self._characters:
            _, gone = self._kept.popitem(last=False)
            self._used -= len(gone)


class RedisTexts:
    """Texts in the Redis at `url`, with those used last in memory before it."""

    def __init__(self, url: str, memory: MemoryTexts | None = None, *, prefix: str = "hive:query:") -> None:
        from redis.asyncio import Redis  # its client takes 0.3 s to import
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff

        self._memory = memory or MemoryTexts()
        self._prefix = prefix
        self._next_try = 0.0
        self._redis = Redis.from_url(
            url,
            protocol=2,
            retry=Retry(NoBackoff(), 0),
            max_connections=16,
            socket_connect_timeout=TIMEOUT,
            socket_timeout=TIMEOUT,
        )

    def has(self, digest: str, text: str) -> bool:
        """Whether this text is in memory, and so was put into Redis or came from there."""
        return self._memory.has(digest, text)

    async def get(self, digest: str) -> str | None:
        """The text with this SHA-256; what Redis holds under it is believed only when it has that hash."""
        if (text := await self._memory.get(digest)) is not None or self._is_left_alone():
            return text
        try:
            async with asyncio.timeout(TIMEOUT):
                found = await self._redis.getex(self._prefix + digest, ex=_MONTH)
        except (OSError, RedisError, TimeoutError) as error:
            self._leave_alone(error)
            return None
        if not isinstance(found, bytes) or sha256(found).hexdigest() != digest:
            return None
        text = found.decode(errors="replace")
        await self._memory.put(digest, text)
        return text

    async def put(self, digest: str, text: str) -> None:
        """Keep a text whose SHA-256 was checked."""
        await self._memory.put(digest, text)
        if self._is_left_alone():
            return
        try:
            async with asyncio.timeout(TIMEOUT):
                await self._redis.set(self._prefix + digest, text.encode(errors="replace"), ex=_MONTH)
        except (OSError, RedisError, TimeoutError) as error:
            self._leave_alone(error)

    async def close(self) -> None:
        """Let the connections go."""
        await self._redis.aclose()

    def _is_left_alone(self) -> bool:
        return time.monotonic() < self._next_try

    def _leave_alone(self, error: Exception) -> None:
        logger.warning("Redis is away; persisted queries that this process doesn't know are sent again: %s", error)
        self._next_try = time.monotonic() + LEFT_ALONE


@asynccontextmanager
async def open_query_texts(redis_url: str | None) -> AsyncIterator[MemoryTexts | RedisTexts]:
    """The store that the address names; in memory without one."""
    if redis_url is None:
        yield MemoryTexts()
        return
    texts = RedisTexts(redis_url)
    try:
        yield texts
    finally:
        await texts.close()
