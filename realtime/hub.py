"""The hub follows each stream once per process and completes it: every listener gets every entry, once, in order.

Announcements may be lost, doubled or out of order. The log is the truth, and the hub reads it when a position is skipped (after a
grace period, since the missing announcement is usually just late), when the backend says that something may have been lost, and
on a slow timer that costs one query for all streams. So losing announcements costs a delay and nothing else.

Three tasks live as long as the hub: one receives messages, one opens and closes feeds (many streams in one query, and in one
place, so that a closing never overtakes an opening), one checks on a timer. A feed with a gap has a task until it is filled.
While the database is away they wait and try again; no failure ends a task.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, Self

from domain.errors import CursorExpired, Unavailable
from domain.events import Entry
from realtime.announcements import EphemeralMessage, MessagesLost, PubSub
from realtime.background_tasks import BackgroundTasks
from realtime.backoff import jitter
from realtime.feed import StreamFeed
from realtime.listener import StreamListener
from realtime.recent_entries import RecentEntries
from realtime.retrying_log import PAGE_ENTRIES, EventLog, RetryingLog

logger = logging.getLogger(__name__)

_MAX_BATCH_STREAMS: Final = 1_000
_ENTRIES_PER_YIELD: Final = 16
_MAX_EMPTY_READS: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class HubTimings:
    """How long the hub waits, in seconds."""

    check_seconds: float = 5.0
    """Between checks of the heads of all streams."""
    check_disconnected_seconds: float = 1.0
    """The same, while no announcement can arrive."""
    gap_grace_seconds: float = 0.02
    """For a late announcement, before a gap is read from the log."""
    close_after_seconds: float = 10.0
    """After the last listener of a stream has gone, before its feed is closed."""
    read_timeout_seconds: float = 5.0
    """For one read of the log."""


class StreamHub:
    """All feeds and listeners of one process."""

    def __init__(self, pubsub: PubSub, log: EventLog, *, timings: HubTimings = HubTimings()) -> None:
        self._pubsub = pubsub
        self._log = RetryingLog(log, timeout_seconds=timings.read_timeout_seconds)
        self._timings = timings
        self._recent_entries = RecentEntries()
        self._feeds: dict[str, StreamFeed] = {}
        self._opening: list[StreamFeed] = []
        self._closing: list[StreamFeed] = []
        self._feeds_changed = asyncio.Event()
        self._check_now = asyncio.Event()
        self._listeners: set[StreamListener] = set()
        self.ephemeral_handlers: dict[str, Callable[[EphemeralMessage], None]] = {}
        self._tasks = BackgroundTasks()
        self._closed = False

    @classmethod
    @asynccontextmanager
    async def open(cls, pubsub: PubSub, log: EventLog, *, timings: HubTimings = HubTimings()) -> AsyncIterator[Self]:
        """A hub, the only reader of this `PubSub`; its end ends the iteration of all listeners."""
        hub = cls(pubsub, log, timings=timings)
        hub._tasks.supervise(hub._consume_messages(), "hub: messages")
        hub._tasks.supervise(hub._manage_feeds(), "hub: feeds")
        hub._tasks.supervise(hub._check_periodically(), "hub: timer")
        try:
            yield hub
        finally:
            hub._closed = True
            for listener in tuple(hub._listeners):
                listener.close()
            for feed in hub._opening:
                _fail_opening(feed)
            await hub._tasks.cancel_all()

    def stream_and_listener_counts(self) -> tuple[int, int]:
        """How many streams are followed here, and by how many listeners."""
        return len(self._feeds), len(self._listeners)

    @asynccontextmanager
    async def listen(self) -> AsyncIterator[StreamListener]:
        """A listener that follows nothing yet."""
        listener = StreamListener(self, self._tasks)
        self._listeners.add(listener)
        if self._closed:
            listener.close()
        try:
            yield listener
        finally:
            self._listeners.discard(listener)
            listener.close()

    # What listeners need (`realtime.listener.FeedProvider`).

    def feed_for(self, stream: str) -> StreamFeed:
        """The feed of a stream, perhaps not open yet."""
        if not (feed := self._feeds.get(stream)):
            feed = self._feeds[stream] = StreamFeed(stream, self._recent_entries, now=_now())
            self._opening.append(feed)
            self._feeds_changed.set()
        return feed

    async def acquire(self, stream: str) -> StreamFeed:
        """The open feed of a stream, which stays until it is released. Raises `Unavailable`."""
        if self._closed:
            raise Unavailable
        feed = self.feed_for(stream)
        feed.reference_count += 1
        try:
            # Shielded: others wait for it too.
            await asyncio.shield(feed.opened)
        except BaseException:
            self.release(feed)
            raise
        return feed

    def release(self, feed: StreamFeed) -> None:
        """Undo one `acquire`; some seconds after the last one the feed is closed."""
        feed.reference_count -= 1
        feed.idle_since = _now()

    def catch_up_to(self, feed: StreamFeed, position: int) -> None:
        """Bring the feed to a position that the stream is said to have."""
        feed.observe_head(position)
        self._start_filling(feed)

    async def read_page(self, feed: StreamFeed, after: int) -> Sequence[Entry]:
        """The entries that follow a position: from memory if they are there, else from the log.

        A stream's log is read once at a time, so the next reader usually finds in memory what it needs.
        """
        async with feed.read_lock:
            if entries := feed.buffer.after(after, PAGE_ENTRIES):
                return entries
            page = await self._log.read_page(feed.stream, after)
            feed.buffer.prepend_page(page, feed.position)
            return page

    # Receiving and filling.

    async def _consume_messages(self) -> None:
        while True:
            try:
                async for item in self._pubsub.messages():
                    self._handle_message(item)
                    # Consumers have their turn, so that a fast one never has more than one entry waiting.
                    await asyncio.sleep(0)
            except Exception:
                logger.exception("Receiving an announcement failed; going on.")
                await asyncio.sleep(self._timings.check_disconnected_seconds)
            self._check_now.set()

    async def check_streams(self, streams: Collection[str]) -> None:
        """Compare streams that are followed here with their heads in the log, and read what is missing. Raises `Unavailable`."""
        feeds = [feed for stream in streams if (feed := self._feeds.get(stream)) is not None and feed.is_open]
        for start in range(0, len(feeds), _MAX_BATCH_STREAMS):
            some = feeds[start : start + _MAX_BATCH_STREAMS]
            heads = await self._log.heads([feed.stream for feed in some])
            for feed in some:
                self.catch_up_to(feed, heads.get(feed.stream, 0))

    def mark_delivered(self, stream: str, first: int, last: int) -> None:
        """The followers of the stream in this process have the entries from `first` to `last` already."""
        if feed := self._feeds.get(stream):
            feed.mark_delivered(first, last)

    def notify_head(self, stream: str, position: int) -> None:
        """The stream is known to have this position: read what is missing, unless it is announced in a moment."""
        if feed := self._feeds.get(stream):
            self.catch_up_to(feed, position)

    def _handle_message(self, item: Entry | MessagesLost | EphemeralMessage) -> None:
        match item:
            case EphemeralMessage():
                if handler := self.ephemeral_handlers.get(item.stream):
                    handler(item)
            case MessagesLost(stream=None):
                self._check_now.set()
            case MessagesLost(stream=str(stream)):
                if feed := self._feeds.get(stream):
                    self.catch_up_to(feed, feed.position + 1)
            case Entry():
                if feed := self._feeds.get(item.stream):
                    feed.receive(item)
                    self._start_filling(feed)

    def _start_filling(self, feed: StreamFeed) -> None:
        if feed.has_gap and not feed.is_filling and not self._closed:
            feed.is_filling = True
            self._tasks.start(self._fill_gap(feed), f"hub: fill {feed.stream}")

    async def _fill_gap(self, feed: StreamFeed) -> None:
        """Read from the log what the feed lacks."""
        try:
            await asyncio.sleep(self._timings.gap_grace_seconds)
            times_empty = 0
            while feed.has_gap and self._feeds.get(feed.stream) is feed:
                try:
                    page = await self._log.read_page(feed.stream, feed.position)
                except CursorExpired:
                    feed.restart((await self._log.heads_with_retry([feed.stream])).get(feed.stream, 0))
                    return
                if page:
                    times_empty = 0
                    await self._receive_page(feed, page)
                elif times_empty == _MAX_EMPTY_READS:
                    # Announced, but not in the log, and no replica is that late. The timer finds what appears later.
                    feed.discard_gap()
                else:
                    times_empty += 1
                    await asyncio.sleep(self._timings.gap_grace_seconds * times_empty)
        finally:
            feed.is_filling = False

    async def _receive_page(self, feed: StreamFeed, page: Sequence[Entry]) -> None:
        for count, entry in enumerate(page, 1):
            feed.receive(entry, is_backfill=True)
            if count % _ENTRIES_PER_YIELD == 0:
                await asyncio.sleep(0)

    # Opening and closing feeds.

    async def _manage_feeds(self) -> None:
        while True:
            await self._feeds_changed.wait()
            self._feeds_changed.clear()
            closing, self._closing = self._closing, []
            # A stream that is followed again stays subscribed.
            gone = [feed.stream for feed in closing if feed.stream not in self._feeds]
            await asyncio.gather(*(self._pubsub.unsubscribe(stream) for stream in gone), return_exceptions=True)
            while self._opening:
                await self._open_feeds(self._opening[:_MAX_BATCH_STREAMS])

    async def _open_feeds(self, feeds: Sequence[StreamFeed]) -> None:
        """Subscribe first, read second: what is committed after the head was read is announced, or found as a gap."""
        try:
            await asyncio.gather(*(self._pubsub.subscribe(feed.stream) for feed in feeds))
            heads = await self._log.heads([feed.stream for feed in feeds])
        except Exception:  # whatever a database can raise: those who wait get an error, and may try again
            logger.warning("The heads of %d streams cannot be read.", len(feeds), exc_info=True)
            for feed in feeds:
                _fail_opening(feed)
                self._close_feed(feed)
        else:
            for feed in feeds:
                feed.start_at(heads.get(feed.stream, 0))
                feed.opened.set_result(None)
                self._start_filling(feed)
        del self._opening[: len(feeds)]

    def _close_feed(self, feed: StreamFeed) -> None:
        del self._feeds[feed.stream]
        feed.buffer.clear()
        self._closing.append(feed)
        self._feeds_changed.set()

    # The timer.

    async def _check_periodically(self) -> None:
        while True:
            seconds = self._timings.check_seconds if self._pubsub.connected else self._timings.check_disconnected_seconds
            try:
                async with asyncio.timeout(jitter(seconds)):
                    await self._check_now.wait()
            except TimeoutError:
                self._close_idle_feeds()
            self._check_now.clear()
            await self._check_heads()
            await asyncio.sleep(self._timings.gap_grace_seconds)

    def _close_idle_feeds(self) -> None:
        before = _now() - self._timings.close_after_seconds
        for feed in [each for each in self._feeds.values() if each.is_open and not each.reference_count]:
            if feed.idle_since < before:
                self._close_feed(feed)

    async def _check_heads(self) -> None:
        feeds = [feed for feed in self._feeds.values() if feed.is_open]
        for start in range(0, len(feeds), _MAX_BATCH_STREAMS):
            batch = feeds[start : start + _MAX_BATCH_STREAMS]
            heads = await self._log.heads_with_retry([feed.stream for feed in batch])
            for feed in batch:
                self.catch_up_to(feed, heads.get(feed.stream, 0))


def _fail_opening(feed: StreamFeed) -> None:
    """Fail those who wait for a feed that cannot be opened now."""
    if not feed.opened.done():
        feed.opened.set_exception(Unavailable())
        feed.opened.exception()  # retrieved, also when nobody waits any more


def _now() -> float:
    return asyncio.get_running_loop().time()
