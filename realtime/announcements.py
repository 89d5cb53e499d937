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
from realtime.background_tasks import OwnedTasks
from realtime.backoff import Pauses

logger = logging.getLogger(__name__)

OUTGOING: Final = 1_024
BATCH: Final = 128
LAST_WORDS: Final = 0.5
_FIRST_PAUSE: Final = 0.02
_LONGEST_PAUSE: Final = 0.5

LOST: Final = Event("", "")
"""What `next_published` gives when messages of any channel may have been lost: it reconnected, or overflowed."""


class LiveBackend(BroadcastBackend):
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
    def alone(self) -> bool:
        """Whether there can be no other process."""
        return False

    async def publish_many(self, events: Sequence[Event]) -> None:
        """Publish in this order; part of them may have gone out when it raises `OSError`."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """Announcements may have been lost: look into the log of `stream`, or of every stream when it is None."""

    stream: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Whisper:
    """Something that is told and never logged, such as where a cursor stands: who misses it is not told again.

    `teller` is whoever told it, by an id that he made up: he hears his own whispers too.
    """

    stream: str
    teller: str
    payload: Mapping[str, Any]


def to_text(entry: Entry | Whisper) -> str:
    """The announcement of an entry, or a whisper: JSON."""
    if isinstance(entry, Whisper):
        return orjson.dumps({"whisper": entry.payload, "teller": entry.teller}).decode()
    return orjson.dumps(entry, default=codec.encode).decode()


def from_text(text: str, stream: str = "") -> Entry | Whisper:
    """What `to_text` was given; ValueError, TypeError or KeyError when this version cannot read it."""
    told = orjson.loads(text)
    if "whisper" in told:
        return Whisper(stream=stream, teller=told["teller"], payload=told["whisper"])
    return codec.decode(Entry, told)


class Live:
    """Announces entries and hears them, over one backend."""

    def __init__(self, backend: LiveBackend) -> None:
        self._backend = backend
        self._outgoing: deque[Entry | Whisper] = deque(maxlen=OUTGOING)
        self._something = asyncio.Event()
        self._told = asyncio.Event()
        self._told.set()
        self._tasks = OwnedTasks()

    @classmethod
    @asynccontextmanager
    async def open(cls, backend: LiveBackend) -> AsyncIterator[Self]:
        """Connect; at the end give what still waits half a second to go out, then disconnect."""
        live = cls(backend)
        await backend.connect()
        try:
            live._tasks.start(live._tell(), "live: tell")
            try:
                yield live
            finally:
                if backend.connected:
                    with suppress(TimeoutError):
                        await asyncio.wait_for(live._told.wait(), LAST_WORDS)
        finally:
            await live._tasks.end()
            await backend.disconnect()

    @property
    def connected(self) -> bool:
        """Whether announcements of other processes can arrive now."""
        return self._backend.connected

    async def announce(self, entry: Entry) -> None:
        """Tell of a committed entry soon. Never waits, never fails; may be lost, since the log has it."""
        self.tell(entry)

    def tell(self, item: Entry | Whisper) -> None:
        """The same for what is committed or whispered, where nothing can wait."""
        self._outgoing.append(item)
        self._told.clear()
        self._something.set()

    @property
    def alone(self) -> bool:
        """Whether no other process can hear what is announced."""
        return self._backend.alone

    async def subscribe(self, stream: str) -> None:
        """Hear of the stream from now on; when the backend is away, from its return on."""
        await self._backend.subscribe(stream)

    async def unsubscribe(self, stream: str) -> None:
        """Hear no more of the stream."""
        await self._backend.unsubscribe(stream)

    async def hear(self) -> AsyncIterator[Entry | Missed | Whisper]:
        """What is announced in subscribed streams, for ever. For one reader only: the hub."""
        while True:
            event = await self._backend.next_published()
            if event.channel == LOST.channel:
                yield Missed()
                continue
            try:
                entry = from_text(event.message, event.channel)
            except (ValueError, TypeError, KeyError):
                # Told by a newer version, or by a stranger: at least something happened there.
                logger.warning("An announcement in %s cannot be read.", event.channel)
                yield Missed(stream=event.channel)
                continue
            yield entry if entry.stream == event.channel else Missed(stream=event.channel)

    async def _tell(self) -> None:
        pauses = Pauses(_FIRST_PAUSE, _LONGEST_PAUSE)
        while True:
            if not self._outgoing:
                self._something.clear()
                self._told.set()
                await self._something.wait()
            batch = [self._outgoing.popleft() for _ in range(min(BATCH, len(self._outgoing)))]
            try:
                await self._backend.publish_many(_events(batch))
            except OSError as error:
                if pauses.rested:
                    logger.warning("Announcements cannot be told for now: %s", error)
                # To tell them again is harmless, and the queue keeps the newest.
                room = OUTGOING - len(self._outgoing)
                self._outgoing.extendleft(reversed(batch[len(batch) - min(room, len(batch)) :]))
                await pauses.rest()
            else:
                pauses.reset()


def _events(entries: Sequence[Entry | Whisper]) -> list[Event]:
    events = []
    for entry in entries:
        try:
            events.append(Event(entry.stream, to_text(entry)))
        except TypeError:
            logger.exception("An entry of %s cannot be announced.", entry.stream)
    return events
