"""Writes to connections in turns, so that many writes at a time do not hold up the event loop.

One callback of the loop serves all connections of a process, and what a connection is sent in between leaves in one write.
"""

import asyncio
from collections import deque
from typing import Final, Protocol

MAX_BATCH_CONNECTIONS: Final = 128
"""Connections that are written to before others get their turn: about a millisecond."""


class Writer(Protocol):
    """A connection."""

    def flush(self) -> None:
        """Write what waits; may not wait."""
        ...


class WriteScheduler:
    """The connections that have something to write."""

    def __init__(self) -> None:
        self._queue: deque[Writer] = deque()
        self._scheduled = False
        self._drained: asyncio.Event | None = None

    def schedule(self, writer: Writer) -> None:
        """Let a connection flush soon; it is added once until then."""
        self._queue.append(writer)
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._flush)

    async def drained(self) -> None:
        """Wait until every connection that was added has flushed."""
        if not self._queue:
            return
        if self._drained is None:
            self._drained = asyncio.Event()
        await self._drained.wait()

    def _flush(self) -> None:
        waiting = self._queue
        try:
            for _ in range(min(MAX_BATCH_CONNECTIONS, len(waiting))):
                waiting.popleft().flush()
        finally:
            if waiting:
                asyncio.get_running_loop().call_soon(self._flush)
            else:
                self._scheduled = False
                if self._drained is not None:
                    self._drained.set()
                    self._drained = None
