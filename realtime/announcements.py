"""Announces to other processes what was committed, and receives their announcements.

An announcement is a hint, not a delivery: it may be lost, doubled or out of order, and `realtime.hub` completes it from the log.
So announcing costs a request nothing: the entry is put into a bounded queue (beyond its bound the oldest, which are the least
useful, are dropped), and one task publishes the queue to the backend, many at a time.

The backend has broadcaster's interface and three promises more (`PubSubBackend`). Rejected: broadcaster's own `Broadcast` and
backends (unbounded queues, silent after a restart of Redis); calling the listeners of this process directly, past the backend (an
entry could arrive on two ways, to save a millisecond).
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
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
MAX_QUEUED_BYTES: Final = 16 * 1024 * 1024
MAX_BATCH_MESSAGES: Final = 128
FLUSH_ON_CLOSE_SECONDS: Final = 0.5
_INITIAL_BACKOFF_SECONDS: Final = 0.02
_MAX_BACKOFF_SECONDS: Final = 0.5

LOST: Final = Event("", "")
"""Returned by `next_published` when messages of any channel may have been lost: it reconnected, or overflowed."""


class PubSubBackend(BroadcastBackend):
    """Carries messages between processes: broadcaster's interface, with what it leaves open.

    `subscribe` returns when the subscription is confirmed, or at once when the server is away; it does not fail. While a channel
    is subscribed, one reader waits in `next_published`, which survives every restart of the server and returns `LOST` when
    messages may have been missed. `publish` takes a second at most, and raises `OSError` when it fails.
    """

    @property
    def connected(self) -> bool:
        """Whether messages of other processes can arrive now."""
        raise NotImplementedError

    @property
    def is_single_process(self) -> bool:
        """Whether there can be no other process."""
        return False

    def may_be_received(self, channel: str) -> bool:
        """Whether a message that is published now might be received by anybody."""
        return True

    async def publish_many(self, events: Sequence[Event]) -> None:
        """Publish in this order; part of them may have gone out when it raises `OSError`."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagesLost:
    """Announcements may have been lost: the log of `stream` has to be read, or of every stream when it is None."""

    stream: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EphemeralMessage:
    """A message that is never logged, such as the position of somebody's cursor: if it is missed, it is not repeated.

    `sender_id` is random for each process. Senders receive their own messages too.
    """

    stream: str
    sender_id: str
    payload: Mapping[str, Any]


def encode_message(entry: Entry | EphemeralMessage) -> str:
    """The JSON text of an announcement or an ephemeral message."""
    if isinstance(entry, EphemeralMessage):
        return orjson.dumps({"whisper": entry.payload, "teller": entry.sender_id}).decode()
    return orjson.dumps(entry, default=codec.encode).decode()


def decode_message(text: str, stream: str = "") -> Entry | EphemeralMessage:
    """The inverse of `encode_message`. Raises ValueError, TypeError or KeyError when this version cannot read it."""
    decoded = orjson.loads(text)
    if "whisper" in decoded:
        return EphemeralMessage(stream=stream, sender_id=decoded["teller"], payload=decoded["whisper"])
    return codec.decode(Entry, decoded)


class PubSub:
    """Publishes and receives announcements over one backend."""

    def __init__(self, backend: PubSubBackend, on_announced: Callable[[Entry], None] | None = None) -> None:
        self._backend = backend
        self._on_announced = on_announced
        self._queue: deque[Event] = deque()
        self.queued_bytes = 0
        self._has_messages = asyncio.Event()
        self._flushed = asyncio.Event()
        self._flushed.set()
        self._tasks = BackgroundTasks()

    @classmethod
    @asynccontextmanager
    async def open(cls, backend: PubSubBackend, *, on_announced: Callable[[Entry], None] | None = None) -> AsyncIterator[Self]:
        """Connect; at the end give what is still queued half a second to be published, then disconnect.

        `on_announced` is called with every entry that is announced here; it must not fail.
        """
        pubsub = cls(backend, on_announced)
        await backend.connect()
        try:
            pubsub._tasks.supervise(pubsub._publish_queued(), "pubsub: publish")
            try:
                yield pubsub
            finally:
                if backend.connected:
                    with suppress(TimeoutError):
                        await asyncio.wait_for(pubsub._flushed.wait(), FLUSH_ON_CLOSE_SECONDS)
        finally:
            await pubsub._tasks.cancel_all()
            await backend.disconnect()

    @property
    def connected(self) -> bool:
        """Whether announcements of other processes can arrive now."""
        return self._backend.connected

    async def announce(self, entry: Entry) -> None:
        """Announce a committed entry soon. Never waits and never fails; it may be lost, since the log has it."""
        if self._on_announced is not None:
            self._on_announced(entry)
        self.publish(entry)

    def publish(self, item: Entry | EphemeralMessage) -> None:
        """Publish a committed entry or an ephemeral message soon, where somebody may receive it; not a coroutine."""
        if not self._backend.may_be_received(item.stream):
            return
        try:
            event = Event(item.stream, encode_message(item))
        except TypeError:
            logger.exception("An entry of %s cannot be announced.", item.stream)
            return
        self._queue.append(event)
        self.queued_bytes += len(event.message)
        while len(self._queue) > MAX_QUEUED_MESSAGES or (self.queued_bytes > MAX_QUEUED_BYTES and len(self._queue) > 1):
            self._take()
        self._flushed.clear()
        self._has_messages.set()

    @property
    def is_single_process(self) -> bool:
        """Whether no other process can receive announcements."""
        return self._backend.is_single_process

    async def subscribe(self, stream: str) -> None:
        """Receive announcements of the stream from now on; when the backend is away, from its return on."""
        await self._backend.subscribe(stream)

    async def unsubscribe(self, stream: str) -> None:
        """Receive no more announcements of the stream."""
        await self._backend.unsubscribe(stream)

    async def messages(self) -> AsyncIterator[Entry | MessagesLost | EphemeralMessage]:
        """Announcements and ephemeral messages of subscribed streams, without end. For one reader only: the hub."""
        while True:
            event = await self._backend.next_published()
            if event.channel == LOST.channel:
                yield MessagesLost()
                continue
            try:
                entry = decode_message(event.message, event.channel)
            except (ValueError, TypeError, KeyError):
                # From a newer version, or from another program: at least something happened in the stream.
                logger.warning("An announcement of %s cannot be read.", event.channel)
                yield MessagesLost(stream=event.channel)
                continue
            yield entry if entry.stream == event.channel else MessagesLost(stream=event.channel)

    async def _publish_queued(self) -> None:
        backoff = Backoff(_INITIAL_BACKOFF_SECONDS, _MAX_BACKOFF_SECONDS)
        while True:
            if not self._queue:
                self._has_messages.clear()
                self._flushed.set()
                await self._has_messages.wait()
            batch = [self._take() for _ in range(min(MAX_BATCH_MESSAGES, len(self._queue)))]
            try:
                await self._backend.publish_many(batch)
            except OSError as error:
                if backoff.is_reset:
                    logger.warning("Announcements cannot be published for now: %s", error)
                # Publishing them again is harmless, and the queue holds the newest.
                for event in reversed(batch):
                    if len(self._queue) >= MAX_QUEUED_MESSAGES or self.queued_bytes + len(event.message) > MAX_QUEUED_BYTES:
                        break
                    self._queue.appendleft(event)
                    self.queued_bytes += len(event.message)
                await backoff.wait()
            else:
                backoff.reset()

    def _take(self) -> Event:
        event = self._queue.popleft()
        self.queued_bytes -= len(event.message)
        return event
