"""Batches the loads of one tick into one call of a batch function.

A batch function takes parents and returns their children in the same order. Loaders belong to one operation of one viewer.
aiodataloader returns the same future to all who ask for one key, so a caller who is cancelled would cancel it for all: here each
caller gets a future of its own.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from aiodataloader import DataLoader

BatchFunction = Callable[[Sequence[Any]], Awaitable[Sequence[Any]]]


class BatchLoader(DataLoader[Any, Any]):
    """A loader over a batch function; parents are compared by identity, since two states of one object may be loaded.

    It references every parent that it has loaded for: Python reuses the address of a deleted object.
    """

    def __init__(self, batch: BatchFunction) -> None:
        super().__init__(get_cache_key=id)
        self._batch = batch
        self._parents: dict[int, Any] = {}

    async def batch_load_fn(self, keys: list[Any]) -> list[Any]:
        """Call the batch function, and check its contract."""
        children = await self._batch(keys)
        assert len(children) == len(keys), f"{self._batch} gave {len(children)} children for {len(keys)} parents"
        return list(children)

    def load(self, key: Any) -> "asyncio.Future[Any]":
        """The child of one parent; cancelling the returned future affects no other caller."""
        self._parents[id(key)] = key
        child = super().load(key)
        child.add_done_callback(_retrieve_exception)
        return asyncio.shield(child)


def _retrieve_exception(child: "asyncio.Future[Any]") -> None:
    """Mark a failure as retrieved: its callers may be gone."""
    if not child.cancelled():
        child.exception()
