"""Decides whose job runs next, so that nobody's work keeps the others waiting. No I/O and no clock.

Every owner (a person, a document, None for the server itself) has a virtual time: the work that was done for them, in seconds.
The next job is the one that would end first in virtual time (weighted fair queueing, Demers et al. 1989): an owner who asks for
little comes before one who asks for much, and one who had much waits until the others had as much. Estimates are corrected by
what a job really took. Owners gain nothing by having been idle.

Of one owner's jobs the cheapest runs first. Large jobs leave at least one slot to small ones, and one owner leaves at least one
slot, and at least one of those for large jobs, to other owners, wherever there is more than one.
"""

import heapq
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Final

Owner = Hashable
_MAX_IDLE_OWNERS: Final = 1_024


class QueueFull(Exception):
    """Too many jobs wait, of this owner or of all together."""


@dataclass(eq=False, slots=True)
class Job:
    """One job; `cost_seconds` is what it is thought to take."""

    owner: Owner
    cost_seconds: float
    is_large: bool = False
    is_cancelled: bool = False


@dataclass(slots=True)
class _Queue:
    """One owner's jobs."""

    waiting: list[tuple[float, int, Job]] = field(default_factory=list)
    count: int = 0
    virtual_seconds: float = 0.0
    running: int = 0
    running_large: int = 0


class FairScheduler:
    """The waiting and running jobs of all owners."""

    def __init__(self, *, slots: int, max_waiting: int, max_waiting_per_owner: int, max_per_owner: int | None = None) -> None:
        self._slots = slots
        self._max_large = max(1, slots - 1)
        self._max_per_owner = max_per_owner or max(1, slots - 1)
        self._max_large_per_owner = max(1, self._max_large - 1)
        self._max_waiting = max_waiting
        self._max_waiting_per_owner = max_waiting_per_owner
        self._queues: dict[Owner, _Queue] = {}
        self._now = 0.0  # virtual seconds: when the job that was started last began
        self._sequence = 0
        self._waiting = 0
        self._running = 0
        self._running_large = 0

    @property
    def waiting(self) -> int:
        """How many jobs wait."""
        return self._waiting

    @property
    def running(self) -> int:
        """How many jobs run."""
        return self._running

    def submit(self, job: Job) -> None:
        """Let a job wait for its turn. Raises QueueFull."""
        queue = self._queues.get(job.owner)
        if self._waiting >= self._max_waiting or (queue is not None and queue.count >= self._max_waiting_per_owner):
            raise QueueFull
        if queue is None:
            queue = self._queues[job.owner] = _Queue()
        self._sequence += 1
        heapq.heappush(queue.waiting, (job.cost_seconds, self._sequence, job))
        queue.count += 1
        self._waiting += 1

    def cancel(self, job: Job) -> None:
        """The job waits no longer; it must not have been started."""
        job.is_cancelled = True
        self._queues[job.owner].count -= 1
        self._waiting -= 1
        self._discard_cancelled(self._queues[job.owner])
        self._forget_if_idle(job.owner)

    def start_next(self) -> Job | None:
        """The job that is to run now; None when none may."""
        if self._running >= self._slots or not self._waiting:
            return None
        best: tuple[float, int] | None = None
        chosen: _Queue | None = None
        for queue in self._queues.values():
            if not queue.waiting or queue.running >= self._max_per_owner:
                continue
            cost, sequence, job = queue.waiting[0]
            if job.is_large and (self._running_large >= self._max_large or queue.running_large >= self._max_large_per_owner):
                continue
            rank = max(queue.virtual_seconds, self._now) + cost, sequence
            if best is None or rank < best:
                best, chosen = rank, queue
        if chosen is None:
            return None
        job = heapq.heappop(chosen.waiting)[2]
        self._discard_cancelled(chosen)
        began = max(chosen.virtual_seconds, self._now)
        self._now = began
        chosen.virtual_seconds = began + job.cost_seconds
        chosen.count -= 1
        chosen.running += 1
        chosen.running_large += job.is_large
        self._waiting -= 1
        self._running += 1
        self._running_large += job.is_large
        return job

    def finish(self, job: Job, took_seconds: float) -> None:
        """A started job is over, and took so long."""
        queue = self._queues[job.owner]
        queue.virtual_seconds += took_seconds - job.cost_seconds
        queue.running -= 1
        queue.running_large -= job.is_large
        self._running -= 1
        self._running_large -= job.is_large
        self._forget_if_idle(job.owner)

    def _discard_cancelled(self, queue: _Queue) -> None:
        while queue.waiting and queue.waiting[0][2].is_cancelled:
            heapq.heappop(queue.waiting)
        if len(queue.waiting) > 2 * queue.count + 8:  # cancelled jobs further back
            queue.waiting = [each for each in queue.waiting if not each[2].is_cancelled]
            heapq.heapify(queue.waiting)

    def _forget_if_idle(self, owner: Owner) -> None:
        """Forget owners without jobs whose past gives them no later place; all of them where nothing waits or runs."""
        if not self._waiting and not self._running:
            self._queues.clear()
            self._now = 0.0
            return
        queue = self._queues[owner]
        if not queue.count and not queue.running and queue.virtual_seconds <= self._now:
            del self._queues[owner]
        elif len(self._queues) > self._max_waiting + self._slots + _MAX_IDLE_OWNERS:
            for each, other in list(self._queues.items()):
                if not other.count and not other.running:
                    del self._queues[each]
