"""The port of the queue: names of what has work, sent after a commit and received by workers.

A name is that of a stream (`team:…`) with new events, or of a kind of jobs that are due (`jobs:…`). The work itself stands in
Postgres, where it was written by the transaction that made it, and is claimed there by locking a row. So the queue may lose a
name, deliver it twice, late or out of order, and the worker that receives one may die: what is done stays the same, and what was
lost is found by the leading worker, which looks through the backlog all the time.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import NamedTuple, Protocol

MAX_NAME_CHARS = 100


class Received(NamedTuple):
    """Names that have work. `done` is called when it was looked after; until then the queue may deliver them again."""

    names: Sequence[str]
    done: Callable[[], Awaitable[None]]


class WorkQueue(Protocol):
    """Carries names of what has work. Adapters: `postgres` (NOTIFY), `sqs` (SNS and SQS)."""

    async def send(self, names: Sequence[str]) -> None:
        """Send names. Raises Unavailable; part of them may have been sent."""
        ...

    def receive(self) -> AbstractAsyncContextManager[AsyncIterator[Received]]:
        """What is sent from now on, until the block ends. The queue's outages are waited for."""
        ...
