"""Bytes and texts that cannot change, kept in memory as long as there is room: the least recently used go first."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V", bytes, str)


class ByteCache(Generic[K, V]):
    """Values by keys, bounded by their length together; one that is longer than an eighth of that is not kept at all."""

    def __init__(self, max_length: int) -> None:
        self._max_length = max_length
        self._used_length = 0
        self._values: OrderedDict[K, V] = OrderedDict()

    def get(self, key: K) -> V | None:
        """The value, if it is still there."""
        value = self._values.get(key)
        if value is not None:
            self._values.move_to_end(key)
        return value

    def put(self, key: K, value: V) -> None:
        """Keep a value."""
        if len(value) > self._max_length // 8 or key in self._values:
            return
        self._values[key] = value
        self._used_length += len(value)
        while self._used_length > self._max_length:
            _, gone = self._values.popitem(last=False)
            self._used_length -= len(gone)
