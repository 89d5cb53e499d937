"""What a connection says and has not written yet: answers as bytes, events as what they are told with."""

import asyncio

from gateway.websocket.subscription import QueuedItem, WebSocketSubscription
from gateway.websocket.transport import WebSocketTransport
from transport.write_scheduler import WriteScheduler

_MAX_WRITE_BYTES = 64 * 1024


class SendQueue:
    """Messages in the order in which they were said; a `transport.write_scheduler.Writer`."""

    __slots__ = ("_closed", "_drained", "_items", "_scheduled", "_scheduler", "_transport")

    def __init__(self, scheduler: WriteScheduler, transport: WebSocketTransport) -> None:
        self._scheduler = scheduler
        self._transport = transport
        self._items: list[QueuedItem] = []
        self._scheduled = False
        self._closed = False
        self._drained: asyncio.Future[None] | None = None

    def put(self, item: QueuedItem) -> None:
        """Say something soon."""
        if self._closed:
            return
        self._items.append(item)
        if not self._scheduled and self._transport.is_writable:
            self._scheduled = True
            self._scheduler.schedule(self)

    def flush(self) -> None:
        """Write what waits, a little at a time."""
        self._scheduled = False
        items = self._items
        if not items or self._closed or not self._transport.is_writable:
            return
        if len(items) == 1:
            item = items.pop()
            self._transport.send((item if isinstance(item, bytes) else item[0].encode_next(item[1], item[2]),))
            if self._drained is None:
                return  # nobody waits for this, and there is nothing more to write
        else:
            texts: list[bytes] = []
            size = 0
            for item in items:
                text = item if isinstance(item, bytes) else item[0].encode_next(item[1], item[2])
                texts.append(text)
                size += len(text)
                if size >= _MAX_WRITE_BYTES:
                    break
            del items[: len(texts)]
            self._transport.send(texts)
        if self._transport.is_writable:
            self.on_writable()

    def on_writable(self) -> None:
        """The wire takes more again."""
        if not self._items:
            self._wake_waiters()
        elif not self._scheduled and not self._closed:
            self._scheduled = True
            self._scheduler.schedule(self)

    async def drained(self) -> None:
        """Wait until all was written, or there is nobody to write to."""
        while not self._closed and (self._items or not self._transport.is_writable):
            if self._drained is None:
                self._drained = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._drained)

    def discard(self, subscription: WebSocketSubscription) -> None:
        """Throw away what waits of a subscription."""
        self._items = [item for item in self._items if isinstance(item, bytes) or item[0] is not subscription]

    def close(self) -> None:
        """Nothing more is written."""
        self._closed = True
        self._items.clear()
        self._wake_waiters()

    def _wake_waiters(self) -> None:
        if self._drained is not None:
            self._drained.set_result(None)
            self._drained = None
