"""The hub hears each stream once per process and makes it whole: every listener gets every entry, once, in order.

Announcements may be lost, doubled or out of order. The log is the truth, and the hub looks into it when a position is
skipped (after a moment's grace, since the missing announcement is mostly just late), when the backend says that
something may have been lost, and on a slow timer that costs one query for all streams. So losing announcements costs a
delay and nothing else.

Three tasks live as long as the hub: one hears, one opens and ends feeds (many streams in one query, and in one place,
so that an ending never overtakes an opening), one watches the timer. A feed with a gap has a task until it is filled. A
database that is away is waited for; no failure ends a task.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, Self

from domain.errors import CursorExpired, Unavailable
from domain.events import Entry
from realtime.announcements import Live, Missed, Whisper
from realtime.background_tasks import OwnedTasks
from realtime.backoff import spread
from realtime.feed import Feed
from realtime.listener import Listener
from realtime.recent_entries import Recent
from realtime.retrying_log import PAGE, Log, PatientLog

logger = logging.getLogger(__name__)

_STREAMS_AT_A_TIME: Final = 1_000
_BREATH: Final = 16
_TIMES_EMPTY: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How long the hub waits for what, in seconds."""

    check: float = 5.0
    """Between looks at the heads of all streams."""
    check_deaf: float = 1.0
    """The same, while no announcement can arrive."""
    grace: float = 0.02
    """For a late announcement, before a gap is read from the log."""
    linger: float = 10.0
    """After the last listener of a stream has gone, before the feed ends."""
    timeout: float = 5.0
    """For one read of the log."""


class Hub:
    """All feeds and listeners of one process."""

    def __init__(self, live: Live, log: Log, *, pace: Pace = Pace()) -> None:
        self._live = live
        self._log = PatientLog(log, timeout=pace.timeout)
        self._pace = pace
        self._recent = Recent()
        self._feeds: dict[str, Feed] = {}
        self._opening: list[Feed] = []
        self._ending: list[Feed] = []
        self._feeds_change = asyncio.Event()
        self._look_now = asyncio.Event()
        self._listeners: set[Listener] = set()
        self.whispered: dict[str, Callable[[Whisper], None]] = {}
        self._tasks = OwnedTasks()
        self._closed = False

    @classmethod
    @asynccontextmanager
    async def open(cls, live: Live, log: Log, *, pace: Pace = Pace()) -> AsyncIterator[Self]:
        """A hub that is the one to hear `live`; its end ends the iteration of all listeners."""
        hub = cls(live, log, pace=pace)
        hub._tasks.start(hub._hear(), "hub: hear")
        hub._tasks.start(hub._change_feeds(), "hub: feeds")
        hub._tasks.start(hub._watch(), "hub: watch")
        try:
            yield hub
        finally:
            hub._closed = True
            for listener in tuple(hub._listeners):
                listener.close()
            for feed in hub._opening:
                _refuse(feed)
            await hub._tasks.end()

    def followed(self) -> tuple[int, int]:
        """How many streams are followed here, and by how many listeners."""
        return len(self._feeds), len(self._listeners)

    @asynccontextmanager
    async def listen(self) -> AsyncIterator[Listener]:
        """A listener that follows nothing yet."""
        listener = Listener(self, self._tasks)
        self._listeners.add(listener)
        if self._closed:
            listener.close()
        try:
            yield listener
        finally:
            self._listeners.discard(listener)
            listener.close()

    # What listeners need (`realtime.listener.Feeds`).

    def expect(self, stream: str) -> Feed:
        """The feed of a stream, perhaps not open yet."""
        if not (feed := self._feeds.get(stream)):
            feed = self._feeds[stream] = Feed(stream, self._recent, now=_now())
            self._opening.append(feed)
            self._feeds_change.set()
        return feed

    async def hold(self, stream: str) -> Feed:
        """The open feed of a stream, which stays until it is released. Raises `Unavailable`."""
        if self._closed:
            raise Unavailable
        feed = self.expect(stream)
        feed.holds += 1
        try:
            # Shielded: others wait for it too.
            await asyncio.shield(feed.opened)
        except BaseException:
            self.release(feed)
            raise
        return feed

    def release(self, feed: Feed) -> None:
        """Undo one `hold`; after the last one the feed lingers, then ends."""
        feed.holds -= 1
        feed.idle_since = _now()

    def reach(self, feed: Feed, position: int) -> None:
        """Bring the feed to a position that the stream is said to have."""
        feed.expect(position)
        self._fill_soon(feed)

    async def page(self, feed: Feed, after: int) -> Sequence[Entry]:
        """The entries that follow a position: from memory when they are there, else from the log.

        One reads a stream's log at a time, and the others then mostly find in memory what they want.
        """
        async with feed.one_reads:
            if entries := feed.recent.after(after, PAGE):
                return entries
            page = await self._log.page(feed.stream, after)
            feed.recent.keep_older(page, feed.position)
            return page

    # Hearing and filling.

    async def _hear(self) -> None:
        while True:
            try:
                async for item in self._live.hear():
                    self._heard(item)
                    # The consumers' turn: whoever is quick never has more than one entry waiting.
                    await asyncio.sleep(0)
            except Exception:
                logger.exception("Hearing failed; going on.")
                await asyncio.sleep(self._pace.check_deaf)
            self._look_now.set()

    def know(self, stream: str, first: int, last: int) -> None:
        """Whoever follows the stream here has the entries from `first` to `last` already, and need not be handed them."""
        if feed := self._feeds.get(stream):
            feed.know(first, last)

    def urge(self, stream: str, position: int) -> None:
        """The stream is known to have come this far: read what is missing, unless it is announced in a moment."""
        if feed := self._feeds.get(stream):
            self.reach(feed, position)

    def _heard(self, item: Entry | Missed | Whisper) -> None:
        match item:
            case Whisper():
                if ear := self.whispered.get(item.stream):
                    ear(item)
            case Missed(stream=None):
                self._look_now.set()
            case Missed(stream=str(stream)):
                if feed := self._feeds.get(stream):
                    self.reach(feed, feed.position + 1)
            case Entry():
                if feed := self._feeds.get(item.stream):
                    feed.take(item)
                    self._fill_soon(feed)

    def _fill_soon(self, feed: Feed) -> None:
        if feed.behind and not feed.filling and not self._closed:
            feed.filling = True
            self._tasks.start(self._fill(feed), f"hub: fill {feed.stream}")

    async def _fill(self, feed: Feed) -> None:
        """Read from the log what the feed lacks."""
        try:
            await asyncio.sleep(self._pace.grace)
            times_empty = 0
            while feed.behind and self._feeds.get(feed.stream) is feed:
                try:
                    page = await self._log.page(feed.stream, feed.position)
                except CursorExpired:
                    feed.restart((await self._log.heads_at_last([feed.stream])).get(feed.stream, 0))
                    return
                if page:
                    times_empty = 0
                    await self._take_page(feed, page)
                elif times_empty == _TIMES_EMPTY:
                    # Announced, yet not in the log, and no replica is that late. The timer finds whatever comes later.
                    feed.give_up()
                else:
                    times_empty += 1
                    await asyncio.sleep(self._pace.grace * times_empty)
        finally:
            feed.filling = False

    async def _take_page(self, feed: Feed, page: Sequence[Entry]) -> None:
        for count, entry in enumerate(page, 1):
            feed.take(entry, filling=True)
            if count % _BREATH == 0:
                await asyncio.sleep(0)

    # Opening and ending feeds.

    async def _change_feeds(self) -> None:
        while True:
            await self._feeds_change.wait()
            self._feeds_change.clear()
            ending, self._ending = self._ending, []
            # A stream that is wanted again stays subscribed.
            gone = [feed.stream for feed in ending if feed.stream not in self._feeds]
            await asyncio.gather(*(self._live.unsubscribe(stream) for stream in gone), return_exceptions=True)
            while self._opening:
                await self._open_feeds(self._opening[:_STREAMS_AT_A_TIME])

    async def _open_feeds(self, feeds: Sequence[Feed]) -> None:
        """Listen first, read second: what is committed after the head was read is announced to us or found as a gap."""
        try:
            await asyncio.gather(*(self._live.subscribe(feed.stream) for feed in feeds))
            heads = await self._log.heads([feed.stream for feed in feeds])
        except Exception:  # whatever a database can raise: those who wait are told, and may try again
            logger.warning("The heads of %d streams cannot be read.", len(feeds), exc_info=True)
            for feed in feeds:
                _refuse(feed)
                self._end_feed(feed)
        else:
            for feed in feeds:
                feed.begin(heads.get(feed.stream, 0))
                feed.opened.set_result(None)
                self._fill_soon(feed)
        del self._opening[: len(feeds)]

    def _end_feed(self, feed: Feed) -> None:
        del self._feeds[feed.stream]
        feed.recent.forget()
        self._ending.append(feed)
        self._feeds_change.set()

    # The timer.

    async def _watch(self) -> None:
        while True:
            wait = self._pace.check if self._live.connected else self._pace.check_deaf
            try:
                async with asyncio.timeout(spread(wait)):
                    await self._look_now.wait()
            except TimeoutError:
                self._end_idle_feeds()
            self._look_now.clear()
            await self._look_at_heads()
            await asyncio.sleep(self._pace.grace)

    def _end_idle_feeds(self) -> None:
        long_ago = _now() - self._pace.linger
        for feed in [each for each in self._feeds.values() if each.open and not each.holds]:
            if feed.idle_since < long_ago:
                self._end_feed(feed)

    async def _look_at_heads(self) -> None:
        feeds = [feed for feed in self._feeds.values() if feed.open]
        for start in range(0, len(feeds), _STREAMS_AT_A_TIME):
            some = feeds[start : start + _STREAMS_AT_A_TIME]
            heads = await self._log.heads_at_last([feed.stream for feed in some])
            for feed in some:
                self.reach(feed, heads.get(feed.stream, 0))


def _refuse(feed: Feed) -> None:
    """Tell those who wait for the feed that it cannot be opened now."""
    if not feed.opened.done():
        feed.opened.set_exception(Unavailable())
        feed.opened.exception()  # counts as seen, also when nobody waits any more


def _now() -> float:
    return asyncio.get_running_loop().time()
