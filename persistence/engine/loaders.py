"""Batch functions behind a loader: many `load`s of one tick become one call.

A batch function takes parents and gives their children in the same order. Loaders belong to one operation of one viewer.
aiodataloader hands the same future to everybody who asks for one key, so whoever is cancelled would cancel it for all: here each
asker gets a future of his own.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from aiodataloader import DataLoader

BatchFunction = Callable[[Sequence[Any]], Awaitable[Sequence[Any]]]


class BatchLoader(DataLoader[Any, Any]):
    """A loader over a batch function; parents are told apart by identity, since two states of one object may be asked for.

    It keeps every parent that it was asked about: Python gives the address of an object that is gone to the next one.
    """

    def __init__(self, batch: BatchFunction) -> None:
        super().__init__(get_cache_key=id)
        self._batch = batch
        self._parents: dict[int, Any] = {}

    async def batch_load_fn(self, keys: list[Any]) -> list[Any]:
        """Call the batch function, and hold it to its promise."""
        children = await self._batch(keys)
        assert len(children) == len(keys), f"{self._batch} gave {len(children)} children for {len(keys)} parents"
        return list(children)

    def load(self, key: Any) -> "asyncio.Future[Any]":
        """The child of one parent; cancelling the answer leaves others' alone."""
        self._parents[id(key)] = key
        child = super().load(key)
        child.add_done_callback(_retrieve_exception)
        return asyncio.shield(child)


def _retrieve_exception(child: "asyncio.Future[Any]") -> None:
    """A failure that nobody waits for any more is no news."""
    if not child.cancelled():
        child.exception()
