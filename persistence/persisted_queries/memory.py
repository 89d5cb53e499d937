"""The texts of persisted queries in this process: those used last."""

from collections import OrderedDict
from typing import Final

ENTRIES: Final = 5_000
CHARACTERS: Final = 8 * 1024 * 1024


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
