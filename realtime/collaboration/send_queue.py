"""What waits to be sent to one visitor: bounded, so that who reads slowly costs the others nothing.

Beyond 256 messages or 1 MiB everything that waits is dropped and the visitor is told to come back: it then asks for what it is
missing, which is less than what it could not keep up with.

Where nothing waits and the visitor's line takes an item at once, it never waits here.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final, Generic, TypeVar

from domain.errors import DomainError, SubscriptionLagged

T = TypeVar("T")

WAITING_MESSAGES: Final = 256
WAITING_BYTES: Final = 1024 * 1024


class Outbox(Generic[T]):
    """One visitor's queue: anybody puts, one takes."""

    def __init__(
        self, lagged: Callable[[DomainError], None] = lambda error: None, at_once: Callable[[T], bool] = lambda item: False
    ) -> None:
        """`at_once` hands an item over past the queue, or says that it cannot be done now."""
        self._at_once = at_once
        self._lagged = lagged  # told at once: the taker may hang in sending what he took last
        self._waiting: deque[tuple[T, int]] = deque()
        self._bytes = 0
        self._taker: asyncio.Future[None] | None = None
        self.closed = False
        self.error: DomainError | None = None

    def put(self, item: T, size: int) -> bool:
        """Queue an item of about so many bytes; False when the outbox is closed, or was just closed because too much waits."""
        if self.closed:
            return False
        if not self._waiting and self._at_once(item):
            return True
        if self._waiting and (len(self._waiting) >= WAITING_MESSAGES or self._bytes + size > WAITING_BYTES):
            error = SubscriptionLagged()
            self.close(error, drop=True)
            self._lagged(error)
            return False
        self._waiting.append((item, size))
        self._bytes += size
        self._wake()
        return True

    def close(self, error: DomainError | None = None, *, drop: bool = False) -> None:
        """Nothing more is put; the taker gets what waits (unless it is dropped), then the error or the end. The first call
        decides."""
        if self.closed:
            return
        self.closed = True
        self.error = error
        if drop:
            self.clear()
        self._wake()

    def clear(self) -> None:
        """Drop what waits."""
        self._waiting.clear()
        self._bytes = 0

    async def take(self) -> T | None:
        """The next item; None at the end. Raises what the outbox was closed with."""
        while not self._waiting:
            if self.closed:
                if self.error:
                    raise self.error
                return None
            self._taker = asyncio.get_running_loop().create_future()
            try:
                await self._taker
            finally:
                self._taker = None
        item, size = self._waiting.popleft()
        self._bytes -= size
        return item

    def _wake(self) -> None:
        if self._taker and not self._taker.done():
            self._taker.set_result(None)
