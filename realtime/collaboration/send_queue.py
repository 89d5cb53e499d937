"""A bounded queue of what is sent to one participant, so that slow readers cost the others nothing.

Beyond 256 messages or 1 MiB everything that waits is dropped and the participant has to come back: it then asks for what it is
missing, which is less than what it could not keep up with. One message that waits may be larger by itself, such as a whole
document.

Where nothing waits and the connection takes a message at once, it never waits here.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final, Generic, TypeVar

from domain.errors import DomainError, SubscriptionLagged

T = TypeVar("T")

MAX_QUEUED_MESSAGES: Final = 256
MAX_QUEUED_BYTES: Final = 1024 * 1024


class BoundedQueue(Generic[T]):
    """One participant's queue: anybody puts, one task takes."""

    def __init__(
        self, on_overflow: Callable[[DomainError], None] = lambda error: None, send_now: Callable[[T], bool] = lambda item: False
    ) -> None:
        """`send_now` sends an item past the queue, or returns False where that cannot be done now."""
        self._send_now = send_now
        self._on_overflow = on_overflow  # called at once: the consumer may hang in sending what it took last
        self._queue: deque[tuple[T, int]] = deque()
        self._bytes = self._large_count = 0  # those beyond `MAX_QUEUED_BYTES` are counted by themselves
        self._consumer: asyncio.Future[None] | None = None
        self.closed = False
        self.error: DomainError | None = None

    def put(self, item: T, size: int) -> bool:
        """Queue an item of about so many bytes; False when the queue is closed, or was just closed because too much waits."""
        if self.closed:
            return False
        if not self._queue and self._send_now(item):
            return True
        is_large = size > MAX_QUEUED_BYTES
        is_too_much = self._large_count > 0 if is_large else self._bytes + size > MAX_QUEUED_BYTES
        if is_too_much or len(self._queue) >= MAX_QUEUED_MESSAGES:
            error = SubscriptionLagged()
            self.close(error, drop=True)
            self._on_overflow(error)
            return False
        self._queue.append((item, size))
        if is_large:
            self._large_count += 1
        else:
            self._bytes += size
        self._wake()
        return True

    def close(self, error: DomainError | None = None, *, drop: bool = False) -> None:
        """Accept nothing more; the consumer gets what waits (unless dropped), then the error or the end. The first call
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
        self._queue.clear()
        self._bytes = self._large_count = 0

    async def get(self) -> T | None:
        """The next item; None at the end. Raises the error with which the queue was closed."""
        while not self._queue:
            if self.closed:
                if self.error:
                    raise self.error
                return None
            self._consumer = asyncio.get_running_loop().create_future()
            try:
                await self._consumer
            finally:
                self._consumer = None
        item, size = self._queue.popleft()
        if size > MAX_QUEUED_BYTES:
            self._large_count -= 1
        else:
            self._bytes -= size
        return item

    def _wake(self) -> None:
        if self._consumer and not self._consumer.done():
            self._consumer.set_result(None)
