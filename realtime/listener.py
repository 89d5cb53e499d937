"""A listener follows streams for one consumer, each from a position, and misses and repeats nothing.

In each stream it has a cursor that is either *live* (the feed offers it every entry) or *reading* (it reads the log at its own
pace, and what the feed offers meanwhile is left to the log). A reading cursor that has come as far as its feed goes live in the
same step of the event loop, so nothing fits between. Hence a replay of any length needs one page of memory, and a stream may be
added at any position, or discarded, at any time.

Entries wait in one bounded queue. Live entries beyond the bound close the listener with `SubscriptionLagged`: a slow reader must
not slow the others. A burst that the hub itself caused by filling a gap closes nobody: the cursor goes back to reading.

Rejected: buffering live entries while the log is replayed (overflows when the log is long); reading in the consumer's own
`__anext__` (a database that hangs would delay the streams that are live).
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Final, Protocol

from domain.errors import CursorExpired, DomainError, SubscriptionLagged
from domain.events import Entry
from realtime.background_tasks import BackgroundTasks
from realtime.feed import StreamFeed
from realtime.retrying_log import PAGE_ENTRIES

MAX_QUEUED_ENTRIES: Final = 256
MAX_QUEUED_BYTES: Final = 1024 * 1024
_LOG_LAG_SECONDS: Final = 0.1


class FeedProvider(Protocol):
    """What a listener needs of its hub."""

    def feed_for(self, stream: str) -> StreamFeed:
        """The feed of a stream, perhaps not open yet."""
        ...

    async def acquire(self, stream: str) -> StreamFeed:
        """The open feed of a stream, which stays until it is released. Raises `Unavailable`."""
        ...

    def release(self, feed: StreamFeed) -> None:
        """Undo one `acquire`."""
        ...

    def catch_up_to(self, feed: StreamFeed, position: int) -> None:
        """Bring the feed to a position that the stream is said to have."""
        ...

    async def read_page(self, feed: StreamFeed, after: int) -> Sequence[Entry]:
        """The next entries, from memory or the log, however long it takes. Raises `CursorExpired`."""
        ...


class StreamCursor:
    """The place of a listener in one stream: everything up to `position` has been queued."""

    __slots__ = ("_listener", "feed", "is_reading", "position")

    def __init__(self, listener: "StreamListener", feed: StreamFeed, position: int) -> None:
        self._listener = listener
        self.feed = feed
        self.position = position
        self.is_reading = False

    def offer(self, entry: Entry, size: int, *, is_backfill: bool) -> None:
        """Called by the feed."""
        if self.is_reading or entry.position <= self.position:
            return
        if self._listener.enqueue_live(entry, size):
            self.position = entry.position
        elif is_backfill:
            self.is_reading = True
            self._listener.start_reading()
        else:
            self._listener.close(SubscriptionLagged())

    def expire(self) -> None:
        """Called by the feed. A cursor that is reading finds out by itself when it gets there."""
        if not self.is_reading and self.position < self.feed.position:
            self._listener.close(CursorExpired())


class StreamListener:
    """Follows streams for one consumer: `async for entry in listener`. Created by `StreamHub.listen`."""

    def __init__(self, feeds: FeedProvider, tasks: BackgroundTasks) -> None:
        self._feeds = feeds
        self._tasks = tasks
        self._cursors: dict[str, StreamCursor] = {}
        self._queue: deque[tuple[Entry, int, bool]] = deque()
        self._live_entries = 0
        self._live_bytes = 0
        self._consumer: asyncio.Future[None] | None = None
        self._stop_reading: Callable[[], object] | None = None
        self._has_capacity = asyncio.Event()
        self._has_capacity.set()
        self._closed = False
        self._error: DomainError | None = None

    @property
    def positions(self) -> dict[str, int]:
        """The position up to which each stream has been queued, though perhaps not consumed yet."""
        return {stream: cursor.position for stream, cursor in self._cursors.items()}

    @property
    def is_idle(self) -> bool:
        """Whether the consumer has taken everything that the feeds have delivered, and the listener goes on."""
        return not self._queue and not self._closed and not self._stop_reading

    def get_nowait(self) -> Entry | None:
        """The next entry, if one waits."""
        if not self._queue:
            return None
        entry, size, live = self._queue.popleft()
        if live:
            self._live_entries -= 1
            self._live_bytes -= size
        if not self._has_capacity.is_set():
            self._signal_capacity()
        return entry

    async def add(self, stream: str, after: int | None = None) -> int:
        """Follow a stream: every entry after a position, once, in order.

        Without `after`, from now on: entries with a higher position than the one returned, which is the stream's head
        as known here at that moment. A stream that is followed already goes on unchanged. Raises `Unavailable` when the
        log cannot be read, and the error that closed the listener.
        """
        feed = await self._feeds.acquire(stream)
        # No await from here on: what the feed delivers next finds the cursor in place.
        if self._closed or stream in self._cursors:
            self._feeds.release(feed)
            if self._error:
                raise self._error
            return feed.position
        cursor = StreamCursor(self, feed, feed.position if after is None else after)
        self._cursors[stream] = cursor
        feed.followers.add(cursor)
        if cursor.position < feed.position:
            cursor.is_reading = True
            self.start_reading()
        else:
            self._feeds.catch_up_to(feed, cursor.position)
        return feed.position

    def discard(self, stream: str) -> None:
        """Follow a stream no longer. What waits of it is dropped, so that none of it is returned after this call."""
        if not (cursor := self._cursors.pop(stream, None)):
            return
        cursor.feed.followers.discard(cursor)
        self._feeds.release(cursor.feed)
        others = [item for item in self._queue if item[0].stream != stream]
        self._queue = deque(others)
        self._live_entries = sum(live for _, _, live in others)
        self._live_bytes = sum(size for _, size, live in others if live)
        self._signal_capacity()

    async def follow(self, streams: Mapping[str, int]) -> AsyncIterator[Entry]:
        """Add all these streams, each after its position, then yield their entries and those of streams added later."""
        for stream in streams:
            self._feeds.feed_for(stream)
        for stream, after in streams.items():
            await self.add(stream, after)
        async for entry in self:
            yield entry

    def close(self, error: DomainError | None = None) -> None:
        """End the iteration at once, with this error if there is one. What waits is dropped."""
        if self._closed:
            return
        self._closed = True
        self._error = error
        self._queue.clear()
        for stream in list(self._cursors):
            self.discard(stream)
        if self._stop_reading:
            self._stop_reading()
        self._wake()

    def __aiter__(self) -> AsyncIterator[Entry]:
        return self

    async def __anext__(self) -> Entry:
        while not self._queue:
            if self._error:
                raise self._error
            if self._closed:
                raise StopAsyncIteration
            if self._consumer:
                raise RuntimeError("a listener has one consumer")
            self._consumer = asyncio.get_running_loop().create_future()
            try:
                await self._consumer
            finally:
                self._consumer = None
        entry = self.get_nowait()
        assert entry is not None
        return entry

    def enqueue_live(self, entry: Entry, size: int) -> bool:
        """Called by a cursor: queue an entry unless too much waits; a single one may have any size."""
        full = self._live_entries >= MAX_QUEUED_ENTRIES or self._live_bytes + size > MAX_QUEUED_BYTES
        if full and self._live_entries:
            return False
        self._queue.append((entry, size, True))
        self._live_entries += 1
        self._live_bytes += size
        self._wake()
        return True

    def start_reading(self) -> None:
        """Called by a cursor: it is reading now."""
        if not self._closed and not self._stop_reading:
            self._stop_reading = self._tasks.start(self._read(), "listener: read")

    def _wake(self) -> None:
        if self._consumer and not self._consumer.done():
            self._consumer.set_result(None)

    def _signal_capacity(self) -> None:
        if len(self._queue) <= PAGE_ENTRIES // 2:
            self._has_capacity.set()

    async def _read(self) -> None:
        """Bring every reading cursor up to its feed, a page at a time in turns."""
        try:
            while reading := [cursor for cursor in self._cursors.values() if cursor.is_reading]:
                for cursor in reading:
                    await self._has_capacity.wait()
                    await self._read_page(cursor)
        finally:
            self._stop_reading = None

    async def _read_page(self, cursor: StreamCursor) -> None:
        try:
            page = await self._feeds.read_page(cursor.feed, cursor.position)
        except CursorExpired as error:
            if self._follows(cursor):
                self.close(error)
            return
        if page and self._follows(cursor):
            self._queue_page(cursor, page)
        elif not page:
            # Announced, but not in the log yet: a replica that is late.
            await asyncio.sleep(_LOG_LAG_SECONDS)

    def _follows(self, cursor: StreamCursor) -> bool:
        return self._cursors.get(cursor.feed.stream) is cursor

    def _queue_page(self, cursor: StreamCursor, page: Sequence[Entry]) -> None:
        for entry in page:
            self._queue.append((entry, 0, False))
            cursor.position = entry.position
        if len(self._queue) > PAGE_ENTRIES // 2:
            self._has_capacity.clear()
        cursor.is_reading = cursor.position < cursor.feed.position
        if not cursor.is_reading:
            self._feeds.catch_up_to(cursor.feed, cursor.position)
        self._wake()
