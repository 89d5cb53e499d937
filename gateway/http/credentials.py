"""Credentials are accepted, checked, renewed and watched through one interface, whatever transport they came in by.

A session that ends is an event in its user's stream, so every connection that was opened with it ends within the time of an
announcement, on every process. What no announcement reports (a token has expired, an announcement was lost) is found by a check
of all watched credentials every few seconds, in one query.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol

from domain.errors import DomainError, Unavailable
from domain.events import ChangeKind, Entry
from realtime.background_tasks import BackgroundTasks
from realtime.feed import StreamFeed
from realtime.hub import StreamHub

logger = logging.getLogger(__name__)

_MAX_BATCH_CREDENTIALS: Final = 1_000
CHECK_INTERVAL_SECONDS: Final = 4.0


class CredentialVerifier(Protocol):
    """Judges credentials. What they are is its own affair: they are hashable, and None stands for an anonymous caller."""

    async def authenticate(self, authorization: str | None) -> Any:
        """
        The credentials behind an Authorization header's value; None without one.

        Raises `domain.errors.Unauthenticated` or `TokenExpired`; any other `DomainError` refuses too, with its code.
        """
        ...

    async def check_active(self, credentials: Any, /) -> None:
        """Raises `Unauthenticated` or `TokenExpired` when accepted credentials have ended since, `Unavailable` when unknown."""
        ...

    async def find_revoked(self, credentials: Sequence[Any], /) -> Mapping[Any, DomainError]:
        """
        Those of many credentials that have ended, each with the error that says why, in one query.

        Raises `Unavailable` when that is unknown.
        """
        ...

    def can_replace(self, before: Any, after: Any, /) -> bool:
        """Whether newer credentials may replace those that a connection began with."""
        ...

    def session_stream(self, credentials: Any, /) -> str | None:
        """The stream whose events report that a session of these credentials' user has ended; None when there is none."""
        ...


class CredentialHolder(Protocol):
    """A connection that lives as long as its credentials."""

    @property
    def credentials(self) -> Any: ...

    def on_revoked(self, error: DomainError, /) -> None:
        """The credentials have ended: the connection ends with this error's code."""
        ...


class CredentialWatch:
    """Ends connections whose credentials have ended."""

    def __init__(
        self,
        verifier: CredentialVerifier,
        tasks: BackgroundTasks,
        hub: StreamHub | None,
        *,
        interval_seconds: float = CHECK_INTERVAL_SECONDS,
    ) -> None:
        self._verifier = verifier
        self._tasks = tasks
        self._hub = hub
        self._interval_seconds = interval_seconds
        self._holders: dict[CredentialHolder, _SessionListener | None] = {}
        self._listeners: dict[str, _SessionListener] = {}
        self._started = False

    def __len__(self) -> int:
        return len(self._holders)

    def add(self, holder: CredentialHolder) -> None:
        """Watch the credentials of a connection; anonymous ones never end."""
        if holder.credentials is None or holder in self._holders:
            return
        self._holders[holder] = self._listen(holder)
        if not self._started:
            self._started = True
            self._tasks.supervise(self._check_periodically(), "credentials: check")

    def discard(self, holder: CredentialHolder) -> None:
        """The connection has ended."""
        listener = self._holders.pop(holder, None)
        if listener is None:
            return
        listener.holders.discard(holder)
        if not listener.holders and self._hub is not None:
            del self._listeners[listener.stream]
            listener.detach(self._hub)

    async def check(self, holders: Sequence[CredentialHolder]) -> None:
        """End those of the connections whose credentials have ended."""
        for start in range(0, len(holders), _MAX_BATCH_CREDENTIALS):
            batch = holders[start : start + _MAX_BATCH_CREDENTIALS]
            checked = [each.credentials for each in batch]
            try:
                revoked = await self._verifier.find_revoked(checked)
            except Unavailable:
                return
            for holder, credentials in zip(batch, checked, strict=True):
                error = revoked.get(credentials)
                if error is not None and holder.credentials is credentials:
                    holder.on_revoked(error)

    def _listen(self, holder: CredentialHolder) -> "_SessionListener | None":
        stream = self._verifier.session_stream(holder.credentials)
        if stream is None or self._hub is None:
            return None
        listener = self._listeners.get(stream)
        if listener is None:
            listener = self._listeners[stream] = _SessionListener(self._hub.feed_for(stream), self._on_session_end)
        listener.holders.add(holder)
        return listener

    def _on_session_end(self, listener: "_SessionListener") -> None:
        self._tasks.start(self.check(list(listener.holders)), "credentials: a session has ended")

    async def _check_periodically(self) -> None:
        while True:
            await asyncio.sleep(self._interval_seconds)
            try:
                await self.check(list(self._holders))
            except Exception:
                logger.exception("Credentials could not be checked; trying again.")


class _SessionListener:
    """Reports that a session or the account of one user may have ended: a `realtime.feed.Follower` of the user's stream."""

    __slots__ = ("_feed", "_is_team", "_on_end", "holders", "stream")

    def __init__(self, feed: StreamFeed, on_end: Callable[["_SessionListener"], None]) -> None:
        self._feed = feed
        self._on_end = on_end
        self.stream = feed.stream
        self._is_team = feed.stream.startswith("team:")
        self.holders: set[CredentialHolder] = set()
        feed.reference_count += 1
        feed.followers.add(self)

    def offer(self, entry: Entry, size: int, *, is_backfill: bool) -> None:
        # In the stream of a team: of a share link, and of what it depends on.
        if entry.entity_type in ("ApiToken", "Session", "ShareLink", "User") or (
            self._is_team
            and (
                entry.entity_type in ("Project", "Team")
                or entry.kind is ChangeKind.MEMBERSHIP
                or (entry.entity_type == "Document" and entry.kind in (ChangeKind.DELETED, ChangeKind.MOVED))
            )
        ):
            self._on_end(self)

    def expire(self) -> None:
        self._on_end(self)

    def detach(self, hub: StreamHub) -> None:
        self._feed.followers.discard(self)
        hub.release(self._feed)
