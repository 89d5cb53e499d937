"""Live tells other processes what was committed, and hears what they tell.

An announcement is a hint, not a delivery: it may be lost, come twice or out of order, and `realtime.hub` makes it whole
from the log. So announcing costs a request nothing: the entry goes into a bounded queue (beyond it the oldest, which
are the least useful, are dropped), and one task carries the queue to the backend, many at a time.

The backend speaks broadcaster's interface and three promises more (`LiveBackend`). Rejected: broadcaster's own
`Broadcast` and backends (unbounded queues, silent after a restart of Redis); telling listeners of this process
directly, past the backend (two ways for one entry to come in, to save a millisecond).
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final, Self

import orjson
from broadcaster._backends.base import BroadcastBackend
from broadcaster._base import Event

from domain import codec
from domain.events import Entry
from realtime.background_tasks import BackgroundTasks
from realtime.backoff import Backoff

logger = logging.getLogger(__name__)

MAX_QUEUED_MESSAGES: Final = 1_024
MAX_BATCH_MESSAGES: Final = 128
FLUSH_ON_CLOSE_SECONDS: Final = 0.5
_INITIAL_BACKOFF_SECONDS: Final = 0.02
_MAX_BACKOFF_SECONDS: Final = 0.5

LOST: Final = Event("", "")
"""What `next_published` gives when messages of any channel may have been lost: it reconnected, or overflowed."""


class PubSubBackend(BroadcastBackend):
    """Carries messages between processes: broadcaster's interface, and what it leaves open.

    `subscribe` returns when the subscription is in force, or at once when the other side is away; it does not fail.
    While a channel is subscribed somebody waits in `next_published`, which outlives every restart of the other side and
    gives `LOST` when messages may have been missed. `publish` takes a second at most and raises `OSError` when it
    cannot.
    """

    @property
    def connected(self) -> bool:
        """Whether messages of other processes can arrive now."""
        raise NotImplementedError

    @property
    def is_single_process(self) -> bool:
        """Whether there can be no other process."""
        return False

    async def publish_many(self, events: Sequence[Event]) -> None:
        """Publish in this order; part of them may have gone out when it raises `OSError`."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagesLost:
    """Announcements may have been lost: look into the log of `stream`, or of every stream when it is None."""

    stream: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EphemeralMessage:
    """Something that is told and never logged, such as where a cursor stands: who misses it is not told again.

    `teller` is whoever told it, by an id that he made up: he hears his own whispers too.
    """

    stream: str
    sender_id: str
    payload: Mapping[str, Any]


def encode_message(entry: Entry | EphemeralMessage) -> str:
    """The announcement of an entry, or a whisper: JSON."""
    if isinstance(entry, EphemeralMessage):
        return orjson.dumps({"whisper": entry.payload, "teller": entry.sender_id}).decode()
    return orjson.dumps(entry, default=codec.encode).decode()


def decode_message(text: str, stream: str = "") -> Entry | EphemeralMessage:
    """What `to_text` was given; ValueError, TypeError or KeyError when this version cannot read it."""
    told = orjson.loads(text)
    if "whisper" in told:
        return EphemeralMessage(stream=stream, sender_id=told["teller"], payload=told["whisper"])
    return codec.decode(Entry, told)


class PubSub:
    """Announces entries and hears them, over one backend."""

    def __init__(self, backend: PubSubBackend) -> None:
        self._backend = backend
        self._queue: deque[Entry | EphemeralMessage] = deque(maxlen=MAX_QUEUED_MESSAGES)
        self._has_messages = asyncio.Event()
        self._flushed = asyncio.Event()
        self._flushed.set()
        self._tasks = BackgroundTasks()

    @classmethod
    @asynccontextmanager
    async def open(cls, backend: PubSubBackend) -> AsyncIterator[Self]:
        """Connect; at the end give what still waits half a second to go out, then disconnect."""
        live = cls(backend)
        await backend.connect()
        try:
            live._tasks.supervise(live._publish_queued(), "pubsub: publish")
            try:
                yield live
            finally:
                if backend.connected:
                    with suppress(TimeoutError):
                        await asyncio.wait_for(live._flushed.wait(), FLUSH_ON_CLOSE_SECONDS)
        finally:
            await live._tasks.cancel_all()
            await backend.disconnect()

    @property
    def connected(self) -> bool:
        """Whether announcements of other processes can arrive now."""
        return self._backend.connected

    async def announce(self, entry: Entry) -> None:
        """Tell of a committed entry soon. Never waits, never fails; may be lost, since the log has it."""
        self.publish(entry)

    def publish(self, item: Entry | EphemeralMessage) -> None:
        """The same for what is committed or whispered, where nothing can wait."""
        self._queue.append(item)
        self._flushed.clear()
        self._has_messages.set()

    @property
    def is_single_process(self) -> bool:
        """Whether no other process can hear what is announced."""
        return self._backend.is_single_process

    async def subscribe(self, stream: str) -> None:
        """Hear of the stream from now on; when the backend is away, from its return on."""
        await self._backend.subscribe(stream)

    async def unsubscribe(self, stream: str) -> None:
        """Hear no more of the stream."""
        await self._backend.unsubscribe(stream)

    async def messages(self) -> AsyncIterator[Entry | MessagesLost | EphemeralMessage]:
        """What is announced in subscribed streams, for ever. For one reader only: the hub."""
        while True:
            event = await self._backend.next_published()
            if event.channel == LOST.channel:
                yield MessagesLost()
                continue
            try:
                entry = decode_message(event.message, event.channel)
            except (ValueError, TypeError, KeyError):
                # Told by a newer version, or by a stranger: at least something happened there.
                logger.warning("An announcement in %s cannot be read.", event.channel)
                yield MessagesLost(stream=event.channel)
                continue
            yield entry if entry.stream == event.channel else MessagesLost(stream=event.channel)

    async def _publish_queued(self) -> None:
        pauses = Backoff(_INITIAL_BACKOFF_SECONDS, _MAX_BACKOFF_SECONDS)
        while True:
            if not self._queue:
                self._has_messages.clear()
                self._flushed.set()
                await self._has_messages.wait()
            batch = [self._queue.popleft() for _ in range(min(MAX_BATCH_MESSAGES, len(self._queue)))]
            try:
                await self._backend.publish_many(_to_events(batch))
            except OSError as error:
                if pauses.is_reset:
                    logger.warning("Announcements cannot be told for now: %s", error)
                # To tell them again is harmless, and the queue keeps the newest.
                room = MAX_QUEUED_MESSAGES - len(self._queue)
                self._queue.extendleft(reversed(batch[len(batch) - min(room, len(batch)) :]))
                await pauses.wait()
            else:
                pauses.reset()


def _to_events(entries: Sequence[Entry | EphemeralMessage]) -> list[Event]:
    events = []
    for entry in entries:
        try:
            events.append(Event(entry.stream, encode_message(entry)))
        except TypeError:
            logger.exception("An entry of %s cannot be announced.", entry.stream)
    return events
