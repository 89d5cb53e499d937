"""Where the texts of persisted queries are kept: in the process, and beside it in Redis so that every process knows them.

Losing them costs a client one more request, so both are caches: bounded here, let go after a month unused there, and Redis away
is as if nothing was found. After a failure Redis is left alone for two seconds, so that a Redis that hangs costs one request in a
while half a second, and the others nothing.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

from persistence.persisted_queries.memory import MemoryTexts


class QueryTexts(Protocol):
    """Texts by their SHA-256 (64 small hex digits)."""

    def has(self, digest: str, text: str) -> bool:
        """Whether this text is stored, as far as memory knows."""
        ...

    async def get(self, digest: str) -> str | None: ...
    async def put(self, digest: str, text: str) -> None:
        """Keep a text whose SHA-256 was checked."""
        ...


@asynccontextmanager
async def open_query_texts(redis_url: str | None) -> AsyncIterator[QueryTexts]:
    """The store that the address names; in memory without one."""
    if redis_url is None:
        yield MemoryTexts()
        return
    from persistence.persisted_queries.redis import RedisTexts  # its client takes 0.3 s and 7 MB to import

    texts = RedisTexts(redis_url)
    try:
        yield texts
    finally:
        await texts.close()
