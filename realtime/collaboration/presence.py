"""Who is in a document now and where their cursors stand: told, never logged, forgotten after half a minute of silence.

One table of peers serves both ways in. A Yjs provider's awareness is kept as it came. Who sets his presence through the graph
stands in the same table with a client id above those of Yjs (32 bits), so that each sees the other.

A client id belongs to the user who first brought it: clients repeat what they know of others, and nobody may speak for another.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import orjson

from realtime.collaboration.messages import AwarenessState

PRESENCE_TIMEOUT_SECONDS: Final = 30.0
MAX_STATE_CHARS: Final = 16 * 1024
MAX_CLIENTS_PER_USER: Final = 32
MAX_CLIENTS: Final = 2_000
REMOVED_STATE: Final = "null"
_STATE_KEY: Final = "presence"


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence:
    """One session in a document, as the graph tells of it. Positions are the client's own; None where it tells none."""

    session_id: str
    user_id: UUID
    cursor: int | None = None
    selection_end: int | None = None
    is_typing: bool = False
    last_seen_at: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass(slots=True)
class _Entry:
    awareness: AwarenessState
    user_id: UUID
    participant: object | None  # None: he sits in another process, or comes through the graph
    last_received: float
    last_seen_at: datetime


class AwarenessTable:
    """The peers of one room."""

    def __init__(self) -> None:
        self._entries: dict[int, _Entry] = {}
        self._last_clocks: dict[int, int] = {}  # clocks of those who left, lest a late word brings them back

    def update(
        self, states: Iterable[AwarenessState], user_id: UUID, participant: object | None, now: float
    ) -> list[AwarenessState]:
        """Take in what a user's client says; what of it is news."""
        news = []
        own = sum(each.user_id == user_id for each in self._entries.values())
        for peer in states:
            seen = self._entries.get(peer.client)
            clock = seen.awareness.clock if seen else self._last_clocks.get(peer.client, -1)
            if seen and seen.user_id != user_id:
                continue
            if peer.clock < clock or (peer.clock == clock and not (peer.state == REMOVED_STATE and seen)):
                continue
            if peer.state == REMOVED_STATE:
                if seen:
                    self._delete(peer.client, peer.clock)
                    news.append(peer)
                continue
            if len(peer.state) > MAX_STATE_CHARS or (
                not seen and (own >= MAX_CLIENTS_PER_USER or len(self._entries) >= MAX_CLIENTS)
            ):
                continue
            own += not seen
            self._entries[peer.client] = _Entry(peer, user_id, participant, now, datetime.now(UTC))
            self._last_clocks.pop(peer.client, None)
            news.append(peer)
        return news

    def remove_participant(self, participant: object) -> list[AwarenessState]:
        """A visitor has gone, and the peers that he brought with him."""
        return self._remove([client for client, seen in self._entries.items() if seen.participant is participant])

    def remove_user(self, user_id: UUID) -> list[AwarenessState]:
        """A user may be here no longer."""
        return self._remove([client for client, seen in self._entries.items() if seen.user_id == user_id])

    def expire(self, now: float) -> list[AwarenessState]:
        """Those of whom nothing was heard for too long."""
        return self._remove(
            [client for client, seen in self._entries.items() if seen.last_received < now - PRESENCE_TIMEOUT_SECONDS]
        )

    def all_states(self) -> list[AwarenessState]:
        """Everybody, to tell a newcomer."""
        return [seen.awareness for seen in self._entries.values()]

    def local_states(self) -> list[tuple[UUID, AwarenessState]]:
        """Those whom this process heard itself, to tell another process."""
        return [(seen.user_id, seen.awareness) for seen in self._entries.values() if seen.participant is not None]

    def presences(self) -> list[Presence]:
        """Everybody as the graph tells of them, in the order of their sessions."""
        found = [_to_presence(seen) for seen in self._entries.values()]
        return sorted(found, key=lambda each: each.session_id)

    def _remove(self, clients: Iterable[int]) -> list[AwarenessState]:
        gone = []
        for client in clients:
            clock = self._entries[client].awareness.clock + 1
            self._delete(client, clock)
            gone.append(AwarenessState(client, clock, REMOVED_STATE))
        return gone

    def _delete(self, client: int, clock: int) -> None:
        del self._entries[client]
        self._last_clocks[client] = clock
        while len(self._last_clocks) > MAX_CLIENTS:
            del self._last_clocks[next(iter(self._last_clocks))]


def session_awareness(
    user_id: UUID, session_id: str, *, at: datetime, cursor: int | None, selection_end: int | None, is_typing: bool
) -> AwarenessState:
    """A session of the graph as a peer: the clock is the time in milliseconds, since any process may be told next."""
    state = {
        "user": {"id": str(user_id)},
        _STATE_KEY: {"sessionId": session_id, "cursor": cursor, "selectionEnd": selection_end, "isTyping": is_typing},
    }
    return AwarenessState(_client_id(user_id, session_id), int(at.timestamp() * 1000), orjson.dumps(state).decode())


def session_removal(user_id: UUID, session_id: str, *, at: datetime) -> AwarenessState:
    """The same session when it has ended."""
    return AwarenessState(_client_id(user_id, session_id), int(at.timestamp() * 1000) + 1, REMOVED_STATE)


def _client_id(user_id: UUID, session_id: str) -> int:
    digest = hashlib.sha256(user_id.bytes + session_id.encode()).digest()
    return 2**32 + int.from_bytes(digest[:6], "big")


def _to_presence(entry: _Entry) -> Presence:
    told: Any = None
    try:
        state = orjson.loads(entry.awareness.state)
        told = state.get(_STATE_KEY) if isinstance(state, dict) else None
    except orjson.JSONDecodeError:
        told = None
    if not isinstance(told, dict) or not isinstance(told.get("sessionId"), str):
        return Presence(session_id=str(entry.awareness.client), user_id=entry.user_id, last_seen_at=entry.last_seen_at)
    return Presence(
        session_id=told["sessionId"],
        user_id=entry.user_id,
        cursor=_valid_offset(told.get("cursor")),
        selection_end=_valid_offset(told.get("selectionEnd")),
        is_typing=told.get("isTyping") is True,
        last_seen_at=entry.last_seen_at,
    )


def _valid_offset(value: Any) -> int | None:
    return value if type(value) is int and 0 <= value < 2**31 else None
