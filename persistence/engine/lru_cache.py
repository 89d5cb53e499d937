"""Caches values by key, bounded by their bytes: the least recently used are dropped first.

Sizes are estimates of the caller. The caches of a process are listed by name for its metrics (`cache_usage`).
"""

from collections import OrderedDict
from collections.abc import Hashable, Mapping
from typing import Any, Final, Generic, NamedTuple, TypeVar
from weakref import WeakSet

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

_MAX_SHARE: Final = 8  # a value larger than this part of a cache is not stored


class CacheUsage(NamedTuple):
    """The state of the caches with one name."""

    entries: int
    used_bytes: int
    max_bytes: int
    evictions: int


class LruCache(Generic[K, V]):
    """Values by key, with the sum of their sizes at most `max_bytes`. Not thread-safe."""

    def __init__(self, name: str, max_bytes: int) -> None:
        self.name = name
        self.max_bytes = max_bytes
        self.used_bytes = 0
        self.evictions = 0
        self._entries: OrderedDict[K, tuple[V, int]] = OrderedDict()
        _caches.add(self)

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: K) -> V | None:
        """The value of a key, or None."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        self._entries.move_to_end(key)
        return entry[0]

    def put(self, key: K, value: V, size_bytes: int) -> None:
        """Stores a value, in place of an earlier one; a value larger than an eighth of the cache is not stored."""
        previous = self._entries.pop(key, None)
        if previous is not None:
            self.used_bytes -= previous[1]
        if size_bytes > self.max_bytes // _MAX_SHARE:
            return
        self._entries[key] = value, size_bytes
        self.used_bytes += size_bytes
        if self.used_bytes > self.max_bytes:
            self._evict()

    def grow(self, key: K, size_bytes: int) -> None:
        """Adds to the size of a value that has grown; does nothing if it is no longer stored."""
        entry = self._entries.get(key)
        if entry is not None:
            self._entries[key] = entry[0], entry[1] + size_bytes
            self.used_bytes += size_bytes
            self._evict()

    def remove(self, key: K) -> None:
        """Drops the value of a key, if there is one."""
        entry = self._entries.pop(key, None)
        if entry is not None:
            self.used_bytes -= entry[1]

    def _evict(self) -> None:
        while self.used_bytes > self.max_bytes:
            _, (_, size_bytes) = self._entries.popitem(last=False)
            self.used_bytes -= size_bytes
            self.evictions += 1


_caches: WeakSet["LruCache[Any, Any]"] = WeakSet()


def cache_usage() -> Mapping[str, CacheUsage]:
    """The usage of all caches of the process by name; may be read from any thread."""
    usage: dict[str, CacheUsage] = {}
    for cache in list(_caches):
        entries, used, most, evictions = usage.get(cache.name, (0, 0, 0, 0))
        usage[cache.name] = CacheUsage(
            entries + len(cache), used + cache.used_bytes, most + cache.max_bytes, evictions + cache.evictions
        )
    return usage
