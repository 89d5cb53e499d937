"""Caches the texts of persisted queries in this process: those used last."""

from sys import getsizeof
from typing import Final

from persistence.engine.lru_cache import LruCache

MAX_BYTES: Final = 16 * 1024 * 1024
_ENTRY_BYTES: Final = 300  # beside the text


class MemoryTexts:
    """The texts used last, bounded by their size in memory."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._texts: LruCache[str, str] = LruCache("persisted queries", max_bytes)

    def has(self, digest: str, text: str) -> bool:
        """Whether this text is stored."""
        return self._texts.get(digest) == text

    async def get(self, digest: str) -> str | None:
        """The text with this SHA-256 (64 lower-case hex digits)."""
        return self._texts.get(digest)

    async def put(self, digest: str, text: str) -> None:
        """Store a text whose SHA-256 was checked."""
        self._texts.put(digest, text, getsizeof(text) + _ENTRY_BYTES)
