"""Coalesces concurrent lookups by key into one query.

Unlike a loader a coalescer belongs to the process, not to an operation, and caches nothing: a value is read after it was asked
for, so a caller who asks because something has changed gets the change.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from itertools import islice
from typing import Any, Final, Generic, TypeVar

from domain.errors import Unavailable
from persistence.engine.batch_scheduler import Batch, BatchScheduler

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

MAX_BATCH_KEYS: Final = 1_000
_MAX_CONCURRENT_QUERIES: Final = 4


class Coalescer(Generic[K, V]):
    """Batches `load` calls into calls of `load_many`, which must return a value for each key."""

    def __init__(self, load_many: Callable[[Sequence[K]], Awaitable[Mapping[K, V]]]) -> None:
        self._load_many = load_many
        self._pending: dict[K, asyncio.Future[V]] = {}
        """What has not left yet; bounded by the callers, each of which waits for its key."""
        self._scheduler = BatchScheduler(self._next_batch, max_concurrent=_MAX_CONCURRENT_QUERIES)

    async def load(self, key: K) -> V:
        """The value of a key, read from now on; raises what `load_many` raises."""
        future = self._pending.get(key)
        if future is None:
            future = self._pending[key] = asyncio.get_running_loop().create_future()
            self._scheduler.schedule()
        return await asyncio.shield(future)

    def _next_batch(self) -> Batch | None:
        if not self._pending:
            return None
        if len(self._pending) <= MAX_BATCH_KEYS:
            batch, self._pending = self._pending, {}
        else:
            batch = {key: self._pending.pop(key) for key in list(islice(self._pending, MAX_BATCH_KEYS))}
        return Batch(self._send(batch))

    async def _send(self, batch: Mapping[K, "asyncio.Future[V]"]) -> None:
        try:
            values = await self._load_many(list(batch))
            for key, future in batch.items():
                future.set_result(values[key])
        except asyncio.CancelledError:
            _fail(batch.values(), Unavailable())
            raise
        except Exception as error:  # noqa: BLE001 (it belongs to the callers)
            _fail(batch.values(), error)


def _fail(futures: Any, error: Exception) -> None:
    for future in futures:
        if not future.done():
            future.set_exception(error)
            future.exception()  # marks it as retrieved: its caller may be gone
