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

from realtime.collaboration.messages import Peer

SILENCE: Final = 30.0
LONGEST_STATE: Final = 16 * 1024
PEERS_OF_ONE: Final = 32
PEERS: Final = 2_000
GONE: Final = "null"
_KEY: Final = "presence"


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
class _Seen:
    peer: Peer
    user_id: UUID
    visitor: object | None  # None: he sits in another process, or comes through the graph
    heard: float
    at: datetime


class Peers:
    """The peers of one room."""

    def __init__(self) -> None:
        self._seen: dict[int, _Seen] = {}
        self._last: dict[int, int] = {}  # clocks of those who left, lest a late word brings them back

    def tell(self, told: Iterable[Peer], user_id: UUID, visitor: object | None, now: float) -> list[Peer]:
        """Take in what a user's client says; what of it is news."""
        news = []
        own = sum(each.user_id == user_id for each in self._seen.values())
        for peer in told:
            seen = self._seen.get(peer.client)
            clock = seen.peer.clock if seen else self._last.get(peer.client, -1)
            if seen and seen.user_id != user_id:
                continue
            if peer.clock < clock or (peer.clock == clock and not (peer.state == GONE and seen)):
                continue
            if peer.state == GONE:
                if seen:
                    self._forget(peer.client, peer.clock)
                    news.append(peer)
                continue
            if len(peer.state) > LONGEST_STATE or (not seen and (own >= PEERS_OF_ONE or len(self._seen) >= PEERS)):
                continue
            own += not seen
            self._seen[peer.client] = _Seen(peer, user_id, visitor, now, datetime.now(UTC))
            self._last.pop(peer.client, None)
            news.append(peer)
        return news

    def leave(self, visitor: object) -> list[Peer]:
        """A visitor has gone, and the peers that he brought with him."""
        return self._take_out([client for client, seen in self._seen.items() if seen.visitor is visitor])

    def leave_user(self, user_id: UUID) -> list[Peer]:
        """A user may be here no longer."""
        return self._take_out([client for client, seen in self._seen.items() if seen.user_id == user_id])

    def expire(self, now: float) -> list[Peer]:
        """Those of whom nothing was heard for too long."""
        return self._take_out([client for client, seen in self._seen.items() if seen.heard < now - SILENCE])

    def all(self) -> list[Peer]:
        """Everybody, to tell a newcomer."""
        return [seen.peer for seen in self._seen.values()]

    def here(self) -> list[tuple[UUID, Peer]]:
        """Those whom this process heard itself, to tell another process."""
        return [(seen.user_id, seen.peer) for seen in self._seen.values() if seen.visitor is not None]

    def presences(self) -> list[Presence]:
        """Everybody as the graph tells of them, in the order of their sessions."""
        found = [_presence(seen) for seen in self._seen.values()]
        return sorted(found, key=lambda each: each.session_id)

    def _take_out(self, clients: Iterable[int]) -> list[Peer]:
        gone = []
        for client in clients:
            clock = self._seen[client].peer.clock + 1
            self._forget(client, clock)
            gone.append(Peer(client, clock, GONE))
        return gone

    def _forget(self, client: int, clock: int) -> None:
        del self._seen[client]
        self._last[client] = clock
        while len(self._last) > PEERS:
            del self._last[next(iter(self._last))]


def session_peer(
    user_id: UUID, session_id: str, *, at: datetime, cursor: int | None, selection_end: int | None, is_typing: bool
) -> Peer:
    """A session of the graph as a peer: the clock is the time in milliseconds, since any process may be told next."""
    state = {
        "user": {"id": str(user_id)},
        _KEY: {"sessionId": session_id, "cursor": cursor, "selectionEnd": selection_end, "isTyping": is_typing},
    }
    return Peer(_client(user_id, session_id), int(at.timestamp() * 1000), orjson.dumps(state).decode())


def session_gone(user_id: UUID, session_id: str, *, at: datetime) -> Peer:
    """The same session when it has ended."""
    return Peer(_client(user_id, session_id), int(at.timestamp() * 1000) + 1, GONE)


def _client(user_id: UUID, session_id: str) -> int:
    digest = hashlib.sha256(user_id.bytes + session_id.encode()).digest()
    return 2**32 + int.from_bytes(digest[:6], "big")


def _presence(seen: _Seen) -> Presence:
    told: Any = None
    try:
        state = orjson.loads(seen.peer.state)
        told = state.get(_KEY) if isinstance(state, dict) else None
    except orjson.JSONDecodeError:
        told = None
    if not isinstance(told, dict) or not isinstance(told.get("sessionId"), str):
        return Presence(session_id=str(seen.peer.client), user_id=seen.user_id, last_seen_at=seen.at)
    return Presence(
        session_id=told["sessionId"],
        user_id=seen.user_id,
        cursor=_place(told.get("cursor")),
        selection_end=_place(told.get("selectionEnd")),
        is_typing=told.get("isTyping") is True,
        last_seen_at=seen.at,
    )


def _place(value: Any) -> int | None:
    return value if type(value) is int and 0 <= value < 2**31 else None
