"""One subscription on a websocket: what it is told waits in its connection as what it was told with, and becomes a frame when
written.

A reader that stalls costs a reference for each event that waits, and no bytes: those belong to everybody. It is let go after 256
events or 1 MiB: what waits is thrown away, an error tells from where to go on (`since`), and nobody else notices.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from gateway.execution.errors import FormattedError
from gateway.subscriptions.manager import Subscription
from gateway.subscriptions.payload_queue import lagged
from gateway.subscriptions.shared_payload import Told
from realtime.listener import MAX_QUEUED_BYTES, MAX_QUEUED_ENTRIES

if TYPE_CHECKING:
    from gateway.websocket.connection import Connection


class Stream:
    """A `gateway.subscriptions.manager.Sink` on a connection."""

    __slots__ = ("_bytes", "_connection", "_head", "_reached", "_waiting", "id", "own", "subscription")

    def __init__(self, connection: "Connection", id_: str, head: bytes) -> None:
        self._connection = connection
        self._head = head
        self._waiting = 0
        self._bytes = 0
        self._reached: tuple[Told, int] | None = None
        self.id = id_
        self.own = ""
        self.subscription: Subscription | None = None

    def tell(self, told: Told, own_position: int) -> None:
        self._waiting += 1
        self._bytes += told.size
        if self._waiting > MAX_QUEUED_ENTRIES or (self._bytes > MAX_QUEUED_BYTES and self._waiting > 1):
            self._lag()
        else:
            self._connection.out.put((self, told, own_position))

    async def room(self) -> None:
        await self._connection.out.room()

    def end(self, errors: Sequence[FormattedError]) -> None:
        self._connection.finished(self.id, self, errors)

    def frame(self, told: Told, own_position: int) -> bytes:
        """What waited longest, to be written now."""
        self._waiting -= 1
        self._bytes -= told.size
        self._reached = told, own_position
        return told.framed(self._head, self.own, own_position)

    def close(self) -> None:
        """The client wants no more."""
        if self.subscription is not None:
            self.subscription.close()

    def since(self) -> str | None:
        """The cursor after all that was written, for who has to come back."""
        if self.subscription is None:
            return None
        if not self._waiting and (cursor := self.subscription.cursor_now()) is not None:
            return cursor
        return None if self._reached is None else self.subscription.cursor(*self._reached)

    def _lag(self) -> None:
        assert self.subscription is not None
        self.subscription.close()
        self._connection.out.drop(self)
        self._connection.finished(self.id, self, lagged(self.subscription, self._reached))


Item = bytes | tuple[Stream, Told, int]
Cancel = Callable[[], object]


def cancel(operation: Stream | Cancel) -> None:
    """End what an id stands for."""
    if isinstance(operation, Stream):
        operation.close()
    else:
        operation()
