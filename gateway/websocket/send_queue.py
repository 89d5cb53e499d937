"""Queues what a connection has yet to write: messages as bytes, events as payloads that all subscribers share."""

import asyncio
from typing import Final, Protocol

from gateway.subscriptions.shared_payload import SharedPayload
from gateway.websocket.transport import WebSocketTransport
from transport.write_scheduler import WriteScheduler

MAX_QUEUED_BYTES: Final = 1024 * 1024
"""Bytes of messages that may wait before nothing more is read from the client and no operation begins."""
_MAX_WRITE_BYTES: Final = 64 * 1024


class PayloadEncoder(Protocol):
    """A subscription, which turns a shared payload into its own message when it is written."""

    def encode_next(self, payload: SharedPayload, own_position: int, /) -> bytes: ...


QueuedItem = bytes | tuple[PayloadEncoder, SharedPayload, int]


class SendQueue:
    """
    Messages in the order in which they were put; a `transport.write_scheduler.Writer`.

    `queued_bytes` counts messages only: shared payloads are bounded by their subscription, and cost no bytes of their own.
    """

    __slots__ = ("_closed", "_drained", "_items", "_scheduled", "_scheduler", "_transport", "queued_bytes")

    def __init__(self, scheduler: WriteScheduler, transport: WebSocketTransport) -> None:
        self._scheduler = scheduler
        self._transport = transport
        self._items: list[QueuedItem] = []
        self._scheduled = False
        self._closed = False
        self._drained: asyncio.Future[None] | None = None
        self.queued_bytes = 0

    def __len__(self) -> int:
        return len(self._items)

    @property
    def has_capacity(self) -> bool:
        """Whether fewer bytes wait than may."""
        return self.queued_bytes < MAX_QUEUED_BYTES

    def put(self, message: bytes) -> None:
        """Send a message soon."""
        if self._closed:
            return
        self.queued_bytes += len(message)
        self._items.append(message)
        if not self._scheduled and self._transport.is_writable:
            self._scheduled = True
            self._scheduler.schedule(self)

    def put_payload(self, subscription: PayloadEncoder, payload: SharedPayload, own_position: int) -> None:
        """Send an event of a subscription soon. (It repeats `put`: a call more for each delivery is 2 % of its cost.)"""
        if self._closed:
            return
        self._items.append((subscription, payload, own_position))
        if not self._scheduled and self._transport.is_writable:
            self._scheduled = True
            self._scheduler.schedule(self)

    def flush(self) -> None:
        """Write what waits, 64 KiB at a time."""
        self._scheduled = False
        items = self._items
        if not items or self._closed or not self._transport.is_writable:
            return
        if len(items) == 1:
            item = items.pop()
            if isinstance(item, bytes):
                was_full = not self.has_capacity
                self.queued_bytes -= len(item)
                self._transport.send((item,))
                if was_full:
                    self._transport.resume_reading()
            else:
                self._transport.send((item[0].encode_next(item[1], item[2]),))
            if self._drained is None:
                return  # nobody waits for this, and there is nothing more to write
        else:
            texts: list[bytes] = []
            size = 0
            was_full = not self.has_capacity
            for item in items:
                if isinstance(item, bytes):
                    self.queued_bytes -= len(item)
                    text = item
                else:
                    text = item[0].encode_next(item[1], item[2])
                texts.append(text)
                size += len(text)
                if size >= _MAX_WRITE_BYTES:
                    break
            del items[: len(texts)]
            self._transport.send(texts)
            if was_full and self.has_capacity:
                self._transport.resume_reading()
        if self._transport.is_writable:
            self.on_writable()

    def on_writable(self) -> None:
        """The transport takes more again."""
        if not self._items:
            self._wake_waiters()
        elif not self._scheduled and not self._closed:
            self._scheduled = True
            self._scheduler.schedule(self)

    async def drained(self) -> None:
        """Wait until everything was written, or the connection is closed."""
        while not self._closed and (self._items or not self._transport.is_writable):
            if self._drained is None:
                self._drained = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._drained)

    def discard(self, subscription: PayloadEncoder) -> None:
        """Drop what waits of a subscription."""
        self._items = [item for item in self._items if isinstance(item, bytes) or item[0] is not subscription]

    def close(self) -> None:
        """Nothing more is written."""
        self._closed = True
        self._items.clear()
        self.queued_bytes = 0
        self._wake_waiters()

    def _wake_waiters(self) -> None:
        if self._drained is not None:
            self._drained.set_result(None)
            self._drained = None
