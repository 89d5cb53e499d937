"""Stores the texts of persisted queries: in the process, and in Redis so that every process finds them.

Losing them costs a client one more request, so both are caches: the one in memory is bounded, Redis deletes a text after a month
without use, and an unavailable Redis is a cache miss. After a failure Redis is not asked for two seconds, so that a Redis that
hangs costs one request in two seconds half a second, and the others nothing.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

from persistence.persisted_queries.memory import MemoryTexts


class QueryTexts(Protocol):
    """Texts by their SHA-256 (64 lower-case hex digits)."""

    def has(self, digest: str, text: str) -> bool:
        """Whether this text is stored, as far as this process knows."""
        ...

    async def get(self, digest: str) -> str | None: ...
    async def put(self, digest: str, text: str) -> None:
        """Store a text whose SHA-256 was checked."""
        ...


@asynccontextmanager
async def open_query_texts(redis_url: str | None) -> AsyncIterator[QueryTexts]:
    """The store at the URL; in memory without one."""
    if redis_url is None:
        yield MemoryTexts()
        return
    from persistence.persisted_queries.redis import RedisTexts  # its client takes 0.3 s and 7 MB to import

    texts = RedisTexts(redis_url)
    try:
        yield texts
    finally:
        await texts.close()
