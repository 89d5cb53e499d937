"""One subscription on a websocket: what it is told waits in its connection as what it was told with, and becomes a frame when
written.

A reader that stalls costs a reference for each event that waits, and no bytes: those belong to everybody. It is let go after 256
events or 1 MiB: what waits is thrown away, an error tells from where to go on (`since`), and nobody else notices.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from gateway.execution.errors import FormattedError
from gateway.subscriptions.manager import Subscription
from gateway.subscriptions.payload_queue import lag_errors
from gateway.subscriptions.shared_payload import SharedPayload
from realtime.listener import MAX_QUEUED_BYTES, MAX_QUEUED_ENTRIES

if TYPE_CHECKING:
    from gateway.websocket.connection import WebSocketConnection


class WebSocketSubscription:
    """A `gateway.subscriptions.manager.Sink` on a connection."""

    __slots__ = (
        "_connection",
        "_last_written",
        "_next_prefix",
        "_queued_bytes",
        "_queued_payloads",
        "id",
        "own_stream",
        "subscription",
    )

    def __init__(self, connection: "WebSocketConnection", id_: str, next_prefix: bytes) -> None:
        self._connection = connection
        self._next_prefix = next_prefix
        self._queued_payloads = 0
        self._queued_bytes = 0
        self._last_written: tuple[SharedPayload, int] | None = None
        self.id = id_
        self.own_stream = ""
        self.subscription: Subscription | None = None

    def send(self, payload: SharedPayload, own_position: int) -> None:
        self._queued_payloads += 1
        self._queued_bytes += payload.size
        if self._queued_payloads > MAX_QUEUED_ENTRIES or (self._queued_bytes > MAX_QUEUED_BYTES and self._queued_payloads > 1):
            self._end_lagged()
        else:
            self._connection.send_queue.put((self, payload, own_position))

    async def drained(self) -> None:
        await self._connection.send_queue.drained()

    def complete(self, errors: Sequence[FormattedError]) -> None:
        self._connection.finish_operation(self.id, self, errors)

    def encode_next(self, payload: SharedPayload, own_position: int) -> bytes:
        """What waited longest, to be written now."""
        self._queued_payloads -= 1
        self._queued_bytes -= payload.size
        self._last_written = payload, own_position
        return payload.frame_for(self._next_prefix, self.own_stream, own_position)

    def close(self) -> None:
        """The client wants no more."""
        if self.subscription is not None:
            self.subscription.close()

    def resume_cursor(self) -> str | None:
        """The cursor after all that was written, for who has to come back."""
        if self.subscription is None:
            return None
        if not self._queued_payloads and (cursor := self.subscription.current_cursor()) is not None:
            return cursor
        return None if self._last_written is None else self.subscription.cursor(*self._last_written)

    def _end_lagged(self) -> None:
        assert self.subscription is not None
        self.subscription.close()
        self._connection.send_queue.discard(self)
        self._connection.finish_operation(self.id, self, lag_errors(self.subscription, self._last_written))


QueuedItem = bytes | tuple[WebSocketSubscription, SharedPayload, int]
CancelCallback = Callable[[], object]


def cancel_operation(operation: WebSocketSubscription | CancelCallback) -> None:
    """End what an id stands for."""
    if isinstance(operation, WebSocketSubscription):
        operation.close()
    else:
        operation()
