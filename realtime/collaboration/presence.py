"""The awareness of a room: who is in the document and where their cursors are; never logged, removed after 30 s of silence.

One table serves both ways in. A Yjs provider's awareness is stored as it came. Who sets their presence through the graph is in
the same table with a client id above those of Yjs (32 bits), so that each sees the other.

A client id belongs to the user who first brought it: clients repeat what they know of others, and nobody may speak for another.

A client that is removed by the server (its connection was cut, or it was silent) is removed with its own clock, as y-protocols
does: others accept the removal, since they know the client, and see it again with its next renewal, which has a higher clock.
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
    """One session in a document, as the graph shows it. Offsets are the client's own; None where it sends none."""

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
    participant: object | None  # None: in another process, or through the graph
    last_received: float
    last_seen_at: datetime


class AwarenessTable:
    """The clients of one room."""

    def __init__(self) -> None:
        self._entries: dict[int, _Entry] = {}
        self._last_clocks: dict[int, int] = {}  # of those who left: older states, which come late, do not bring them back

    def update(
        self, states: Iterable[AwarenessState], user_id: UUID, participant: object | None, now: float
    ) -> list[AwarenessState]:
        """Apply the states that a user's client sent; those that changed anything."""
        changed = []
        own = sum(each.user_id == user_id for each in self._entries.values())
        for state in states:
            if not self.is_news(state, user_id):
                continue
            entry = self._entries.get(state.client)
            if state.state == REMOVED_STATE:
                if entry:
                    self._delete(state.client, state.clock)
                    changed.append(state)
                continue
            if len(state.state) > MAX_STATE_CHARS or (
                not entry and (own >= MAX_CLIENTS_PER_USER or len(self._entries) >= MAX_CLIENTS)
            ):
                continue
            own += not entry
            self._entries[state.client] = _Entry(state, user_id, participant, now, datetime.now(UTC))
            self._last_clocks.pop(state.client, None)
            changed.append(state)
        return changed

    def clock(self, client: int) -> int:
        """The clock of a client's newest state, -1 for one that is not here: a state with an older one is no news."""
        entry = self._entries.get(client)
        return entry.awareness.clock if entry is not None else -1

    def is_news(self, state: AwarenessState, user_id: UUID) -> bool:
        """Whether a state that a user sent says something new, of a client that is theirs."""
        entry = self._entries.get(state.client)
        if entry is None:
            return state.clock >= self._last_clocks.get(state.client, 0)
        if entry.user_id != user_id:
            return False
        clock = entry.awareness.clock
        return state.clock > clock or (state.clock == clock and state.state == REMOVED_STATE)

    def is_return(self, state: AwarenessState) -> bool:
        """Whether a client that the server removed is back with the clock that it had: others do not accept that clock again."""
        return (
            state.client not in self._entries
            and state.state != REMOVED_STATE
            and self._last_clocks.get(state.client) == state.clock
        )

    def remove_participant(self, participant: object) -> list[AwarenessState]:
        """Remove the clients that came with a participant, who has left."""
        return self._remove([client for client, entry in self._entries.items() if entry.participant is participant])

    def remove_user(self, user_id: UUID) -> list[AwarenessState]:
        """Remove the clients of a user, who may be here no longer."""
        return self._remove([client for client, entry in self._entries.items() if entry.user_id == user_id])

    def expire(self, now: float) -> list[AwarenessState]:
        """Remove clients that were silent for too long."""
        return self._remove(
            [client for client, entry in self._entries.items() if entry.last_received < now - PRESENCE_TIMEOUT_SECONDS]
        )

    def all_states(self) -> list[AwarenessState]:
        """The states of all clients, for whoever joins."""
        return [entry.awareness for entry in self._entries.values()]

    def local_states(self) -> list[tuple[UUID, AwarenessState]]:
        """The states of clients that are connected to this process, for other processes."""
        return [(entry.user_id, entry.awareness) for entry in self._entries.values() if entry.participant is not None]

    def presences(self) -> list[Presence]:
        """All clients as the graph shows them, in the order of their sessions."""
        return sorted(map(_to_presence, self._entries.values()), key=lambda each: each.session_id)

    def _remove(self, clients: Iterable[int]) -> list[AwarenessState]:
        removed = []
        for client in clients:
            clock = self._entries[client].awareness.clock
            self._delete(client, clock)
            removed.append(AwarenessState(client, clock, REMOVED_STATE))
        return removed

    def _delete(self, client: int, clock: int) -> None:
        del self._entries[client]
        self._last_clocks[client] = clock
        while len(self._last_clocks) > MAX_CLIENTS:
            del self._last_clocks[next(iter(self._last_clocks))]


def session_awareness(
    user_id: UUID, session_id: str, *, at: datetime, cursor: int | None, selection_end: int | None, is_typing: bool
) -> AwarenessState:
    """A session of the graph as an awareness state; its clock is the time in milliseconds, since any process may be asked
    next."""
    state = {
        "user": {"id": str(user_id)},
        _STATE_KEY: {"sessionId": session_id, "cursor": cursor, "selectionEnd": selection_end, "isTyping": is_typing},
    }
    return AwarenessState(_client_id(user_id, session_id), int(at.timestamp() * 1000), orjson.dumps(state).decode())


def session_removal(user_id: UUID, session_id: str, *, at: datetime) -> AwarenessState:
    """The state that ends a session of the graph."""
    return AwarenessState(_client_id(user_id, session_id), int(at.timestamp() * 1000) + 1, REMOVED_STATE)


def _client_id(user_id: UUID, session_id: str) -> int:
    digest = hashlib.sha256(user_id.bytes + session_id.encode()).digest()
    return 2**32 + int.from_bytes(digest[:6], "big")


def _to_presence(entry: _Entry) -> Presence:
    presence: Any = None
    try:
        state = orjson.loads(entry.awareness.state)
        presence = state.get(_STATE_KEY) if isinstance(state, dict) else None
    except orjson.JSONDecodeError:
        presence = None
    if not isinstance(presence, dict) or not isinstance(presence.get("sessionId"), str):
        return Presence(session_id=str(entry.awareness.client), user_id=entry.user_id, last_seen_at=entry.last_seen_at)
    return Presence(
        session_id=presence["sessionId"],
        user_id=entry.user_id,
        cursor=_valid_offset(presence.get("cursor")),
        selection_end=_valid_offset(presence.get("selectionEnd")),
        is_typing=presence.get("isTyping") is True,
        last_seen_at=entry.last_seen_at,
    )


def _valid_offset(value: Any) -> int | None:
    return value if type(value) is int and 0 <= value < 2**31 else None
