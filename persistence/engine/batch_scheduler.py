"""Decides when batches leave: the common core of the batchers of reads, of writes and of lookups by key.

What is submitted during one tick of the event loop leaves together at its end, and what is submitted while as many batches are
under way as may be leaves when one of them is done. Nothing waits on purpose: where nothing is under way, a batch leaves at once.

A batch that takes longer than `slow_seconds` no longer counts, so that it delays nobody else; all together are bounded by
`max_total`.

    submit ──> schedule() ──end of tick──> next_batch() ──> a task per batch ──done──> schedule()

A statement costs much by itself, so few large batches are better than many small ones: a batcher may hold back what is less
than what is under way (`size_under_way`). Whoever comes alone does not wait for others who came alone, but beside a batch of
fifty only fifty leave; at 16 connections a statement of updates then stores five rows, not three.

Rejected: a thread or a timer that collects (waiting on purpose); one class for all three batchers (they agree on when a batch
leaves and on nothing else: what a batch is made of, and what a failed one means, differ).
"""

import asyncio
import math
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, NamedTuple


class Batch(NamedTuple):
    """The work of sending a batch, how much it is, and of what kind."""

    work: Coroutine[Any, Any, None]
    size: int = 0
    kind: Hashable = None


NextBatch = Callable[[], Batch | None]
"""Takes the next batch from what is pending; None when nothing can leave."""


class _Running(NamedTuple):
    """A batch under way: from when on it counts as slow, its size and its kind."""

    slow_from: float
    size: int
    kind: Hashable


class BatchScheduler:
    """Starts a task for each batch, at most `max_concurrent` that are not slow, and at most `max_total`."""

    def __init__(
        self, next_batch: NextBatch, *, max_concurrent: int, max_total: int | None = None, slow_seconds: float | None = None
    ) -> None:
        self._loop = asyncio.get_running_loop()  # read once: on Python 3.11 each call is a system call
        self._next_batch = next_batch
        self._max_concurrent = max_concurrent
        self._max_total = max_concurrent if max_total is None else max_total
        self._slow_seconds = slow_seconds
        self._running: dict[asyncio.Task[None], _Running] = {}
        self._is_scheduled = False
        self._timer: asyncio.TimerHandle | None = None

    def schedule(self) -> None:
        """Something is pending: let it leave at the end of this tick, or as soon as there is capacity."""
        if not self._is_scheduled:
            self._is_scheduled = True
            self._loop.call_soon(self._dispatch)

    def size_under_way(self, kind: Hashable = None) -> int:
        """The size of the largest batch of a kind that is under way and not slow; 0 where there is none."""
        if not self._running:
            return 0
        now = self._loop.time()
        return max((each.size for each in self._running.values() if each.kind == kind and each.slow_from > now), default=0)

    async def close(self, *, cancel: bool) -> None:
        """Cancel the batches under way, or let them finish; the pending ones are their batcher's to refuse first."""
        if self._timer is not None:
            self._timer.cancel()
        while self._running:
            if cancel:
                for task in tuple(self._running):
                    task.cancel()
            await asyncio.gather(*self._running, return_exceptions=True)

    def _dispatch(self) -> None:
        self._is_scheduled = False
        while self._has_capacity():
            batch = self._next_batch()
            if batch is None:
                break
            task = self._loop.create_task(batch.work)
            slow_from = math.inf if self._slow_seconds is None else self._loop.time() + self._slow_seconds
            self._running[task] = _Running(slow_from, batch.size, batch.kind)
            task.add_done_callback(self._on_done)
        if self._running and self._slow_seconds is not None and self._timer is None:
            self._timer = self._loop.call_later(self._slow_seconds, self._on_timer)

    def _has_capacity(self) -> bool:
        if len(self._running) < self._max_concurrent:
            return True
        if self._slow_seconds is None or len(self._running) >= self._max_total:
            return False
        now = self._loop.time()
        return sum(each.slow_from > now for each in self._running.values()) < self._max_concurrent

    def _on_timer(self) -> None:
        self._timer = None
        self._dispatch()

    def _on_done(self, task: "asyncio.Task[None]") -> None:
        self._running.pop(task, None)
        if not self._is_scheduled:
            self._dispatch()
