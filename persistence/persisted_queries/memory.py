"""The texts of persisted queries in this process: those used last."""

from collections import OrderedDict
from typing import Final

MAX_ENTRIES: Final = 5_000
MAX_CHARACTERS: Final = 8 * 1024 * 1024


class MemoryTexts:
    """The texts used last, bounded by their number and their length together."""

    def __init__(self, max_entries: int = MAX_ENTRIES, max_characters: int = MAX_CHARACTERS) -> None:
        self._max_entries = max_entries
        self._max_characters = max_characters
        self._used_characters = 0
        self._texts: OrderedDict[str, str] = OrderedDict()

    def has(self, digest: str, text: str) -> bool:
        """Whether this text is stored."""
        if self._texts.get(digest) != text:
            return False
        self._texts.move_to_end(digest)
        return True

    async def get(self, digest: str) -> str | None:
        """The text with this SHA-256 (64 small hex digits)."""
        if (text := self._texts.get(digest)) is not None:
            self._texts.move_to_end(digest)
        return text

    async def put(self, digest: str, text: str) -> None:
        """Keep a text whose SHA-256 was checked."""
        self._used_characters += len(text) - len(self._texts.pop(digest, ""))
        self._texts[digest] = text
        while len(self._texts) > self._max_entries or self._used_characters > self._max_characters:
            _, gone = self._texts.popitem(last=False)
            self._used_characters -= len(gone)
