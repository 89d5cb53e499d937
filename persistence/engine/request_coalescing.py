"""Questions that many ask in the same breath, put to the database as one.

Unlike a loader this belongs to the process, not to an operation, and remembers nothing: an answer is read after the question was
asked, so whoever asks because something happened is told of it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from typing import Final, Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

MAX_BATCH_KEYS: Final = 1_000


class _Batch(Generic[K, V]):
    """What is asked together; `found` is None when who went to ask was called off."""

    def __init__(self) -> None:
        self.keys: set[K] = set()
        self.results: asyncio.Future[Mapping[K, V] | None] = asyncio.get_running_loop().create_future()


class Coalescer(Generic[K, V]):
    """`answer` must hold an answer to each question."""

    def __init__(self, load_many: Callable[[Sequence[K]], Awaitable[Mapping[K, V]]]) -> None:
        self._load_many = load_many
        self._open_batch: _Batch[K, V] | None = None

    async def load(self, key: K) -> V:
        """The answer, read from now on; raises what the answering raises."""
        while True:
            now = self._open_batch
            if now is None or len(now.keys) >= MAX_BATCH_KEYS:
                return (await self._run(key))[key]
            now.keys.add(key)
            found = await asyncio.shield(now.results)
            if found is not None:
                return found[key]

    async def _run(self, key: K) -> Mapping[K, V]:
        """Let others join for one turn of the loop, then ask for all of them."""
        mine = self._open_batch = _Batch[K, V]()
        mine.keys.add(key)
        try:
            await asyncio.sleep(0)
            if self._open_batch is mine:
                self._open_batch = None
            found = await self._load_many(list(mine.keys))
        except asyncio.CancelledError:
            mine.results.set_result(None)
            raise
        except BaseException as error:
            mine.results.set_exception(error)
            mine.results.exception()  # counts as seen, also when nobody else asked
            raise
        finally:
            if self._open_batch is mine:
                self._open_batch = None
        mine.results.set_result(found)
        return found
