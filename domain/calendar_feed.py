"""Calendar feeds: the address at which a calendar program reads what a person is to do and when it is due.

Whoever has the address can read, so it is a credential: it is signed, shown to its person alone, and replaced by rotating it. The
address holds a key and its MAC under a secret of the server; the database holds the key alone, from which nobody makes an
address.
"""

import base64
import binascii
import hmac
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Final, Protocol
from uuid import UUID

from domain.actor import Actor
from domain.events import ChangeKind, Event, FieldChange, user_stream
from domain.ports import UnitOfWork
from domain.user import User, lock_self

MAX_EVENTS: Final = 2_000
"""The tasks that are due nearest to today."""
MAX_DESCRIPTION_CHARS: Final = 1_000
_MAC_BYTES: Final = 16
_TOKEN_CHARS: Final = 43


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarFeed:
    """The feed of a person, whose id it has. `key` is what its address says; another one ends the address."""

    type_name: ClassVar[str] = "CalendarFeed"

    id: UUID
    key: UUID
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedCalendarFeed:
    """A feed as its events carry it: without its key."""

    type_name: ClassVar[str] = "CalendarFeed"

    id: UUID
    version: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarFeedRotated(Event):
    """A person made an address for calendar programs, or replaced it."""

    kind = ChangeKind.UPDATED
    feed: LoggedCalendarFeed

    @property
    def stream(self) -> str:
        return user_stream(self.feed.id)

    @property
    def entity(self) -> LoggedCalendarFeed:
        return self.feed

    @property
    def changes(self) -> tuple[FieldChange, ...]:
        return (FieldChange(field="calendar_feed_url"),)


class CalendarFeedStore(Protocol):
    """Stores the feed of each person who has one."""

    async def save(self, feed: CalendarFeed) -> None:
        """Store a person's feed in place of the one before."""
        ...

    async def remove(self, user_id: UUID) -> None: ...


class CalendarFeedTokens:
    """The last part of addresses of feeds, under a secret of their own."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def encode(self, key: UUID) -> str:
        """The token of a feed."""
        return base64.urlsafe_b64encode(self._mac(key.bytes) + key.bytes).decode().rstrip("=")

    def decode(self, token: str) -> UUID | None:
        """The key of a token; None for one that was not made here."""
        if len(token) != _TOKEN_CHARS or not token.isascii():
            return None
        try:
            raw = base64.urlsafe_b64decode(token + "=")
        except (binascii.Error, ValueError):
            return None
        mac, key = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
        if len(key) != 16 or not hmac.compare_digest(mac, self._mac(key)):
            return None
        found = UUID(bytes=key)
        return found if self.encode(found) == token else None  # base64 has more than one text for the same bytes

    def _mac(self, key: bytes) -> bytes:
        return hmac.digest(self._secret, key, "sha256")[:_MAC_BYTES]


async def rotate(uow: UnitOfWork, actor: Actor) -> User:
    """Give the actor another address for their feed, or their first one; the one before ends at once."""
    user = await lock_self(uow, actor)
    await uow.calendar_feeds.save(CalendarFeed(id=user.id, key=uow.new_id(), created_at=uow.now))
    uow.record(CalendarFeedRotated(actor_id=actor.user_id, feed=LoggedCalendarFeed(id=user.id)))
    return user
