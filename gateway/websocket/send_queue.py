"""What a connection says and has not written yet: answers as bytes, events as what they are told with."""

import asyncio

from gateway.websocket.subscription import Item, Stream
from gateway.websocket.transport import Wire
from transport.write_scheduler import WriteScheduler

_IN_ONE_WRITE = 64 * 1024


class Outbox:
    """Messages in the order in which they were said; a `transport.write_scheduler.Writer`."""

    __slots__ = ("_closed", "_items", "_outlet", "_room", "_scheduled", "_wire")

    def __init__(self, outlet: WriteScheduler, wire: Wire) -> None:
        self._outlet = outlet
        self._wire = wire
        self._items: list[Item] = []
        self._scheduled = False
        self._closed = False
        self._room: asyncio.Future[None] | None = None

    def put(self, item: Item) -> None:
        """Say something soon."""
        if self._closed:
            return
        self._items.append(item)
        if not self._scheduled and self._wire.ready:
            self._scheduled = True
            self._outlet.schedule(self)

    def flush(self) -> None:
        """Write what waits, a little at a time."""
        self._scheduled = False
        items = self._items
        if not items or self._closed or not self._wire.ready:
            return
        if len(items) == 1:
            item = items.pop()
            self._wire.send((item if isinstance(item, bytes) else item[0].frame(item[1], item[2]),))
            if self._room is None:
                return  # nobody waits for this, and there is nothing more to write
        else:
            texts: list[bytes] = []
            size = 0
            for item in items:
                text = item if isinstance(item, bytes) else item[0].frame(item[1], item[2])
                texts.append(text)
                size += len(text)
                if size >= _IN_ONE_WRITE:
                    break
            del items[: len(texts)]
            self._wire.send(texts)
        if self._wire.ready:
            self.writable()

    def writable(self) -> None:
        """The wire takes more again."""
        if not self._items:
            self._make_room()
        elif not self._scheduled and not self._closed:
            self._scheduled = True
            self._outlet.schedule(self)

    async def room(self) -> None:
        """Wait until all was written, or there is nobody to write to."""
        while not self._closed and (self._items or not self._wire.ready):
            if self._room is None:
                self._room = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._room)

    def drop(self, stream: Stream) -> None:
        """Throw away what waits of a subscription."""
        self._items = [item for item in self._items if isinstance(item, bytes) or item[0] is not stream]

    def close(self) -> None:
        """Nothing more is written."""
        self._closed = True
        self._items.clear()
        self._make_room()

    def _make_room(self) -> None:
        if self._room is not None:
            self._room.set_result(None)
            self._room = None
