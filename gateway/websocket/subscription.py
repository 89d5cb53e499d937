"""Delivers a shared subscription on a websocket: payloads wait as they were shared, and become messages when they are written.

A client that reads too slowly costs a reference for each event that waits, and no bytes: those belong to all subscribers. Its
subscription ends at 256 events or 1 MiB: what waits is dropped, an error reports the cursor to resume from (`since`), and no
other subscriber is affected.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from gateway.execution.errors import FormattedError
from gateway.subscriptions.manager import Subscription
from gateway.subscriptions.payload_queue import lag_errors
from gateway.subscriptions.shared_payload import SharedPayload
from gateway.websocket.send_queue import SendQueue
from realtime.listener import MAX_QUEUED_BYTES, MAX_QUEUED_ENTRIES


class SubscriptionOwner(Protocol):
    """The operations of a connection."""

    send_queue: SendQueue

    def finish(self, id_: str, operation: object, errors: Sequence[FormattedError], /) -> None:
        """The operation has ended."""
        ...


class WebSocketSubscription:
    """A `gateway.subscriptions.manager.SubscriptionSink` on a connection."""

    __slots__ = (
        "_last_written",
        "_next_prefix",
        "_owner",
        "_queued_bytes",
        "_queued_payloads",
        "id",
        "own_stream",
        "subscription",
    )

    def __init__(self, owner: SubscriptionOwner, id_: str, next_prefix: bytes) -> None:
        self._owner = owner
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
            self._owner.send_queue.put_payload(self, payload, own_position)

    async def drained(self) -> None:
        await self._owner.send_queue.drained()

    def complete(self, errors: Sequence[FormattedError]) -> None:
        self._owner.finish(self.id, self, errors)

    def encode_next(self, payload: SharedPayload, own_position: int) -> bytes:
        """The message of the payload that has waited longest, which is written now."""
        self._queued_payloads -= 1
        self._queued_bytes -= payload.size
        self._last_written = payload, own_position
        return payload.frame_for(self._next_prefix, self.own_stream, own_position)

    def close(self) -> None:
        """The client has unsubscribed, or is gone."""
        if self.subscription is not None:
            self.subscription.close()
        self._owner.send_queue.discard(self)  # its id may be used again at once

    def resume_cursor(self) -> str | None:
        """The cursor after everything that was written."""
        if self.subscription is None:
            return None
        if not self._queued_payloads and (cursor := self.subscription.current_cursor()) is not None:
            return cursor
        return None if self._last_written is None else self.subscription.cursor(*self._last_written)

    def _end_lagged(self) -> None:
        assert self.subscription is not None
        self.close()
        self._owner.finish(self.id, self, lag_errors(self.subscription, self._last_written))


CancelCallback = Callable[[], object]


def cancel_operation(operation: WebSocketSubscription | CancelCallback) -> None:
    """End an operation, whichever kind it is."""
    if isinstance(operation, WebSocketSubscription):
        operation.close()
    else:
        operation()
