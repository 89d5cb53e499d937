"""Bounds what all connections of a process hold together: their number, the answers that nobody reads, and turns of the loop.

Descriptors. A process that has none left accepts nobody, not even those who ask whether it is well. So connections are limited to
a number below the limit of the system: when it is reached, the oldest idle connection of a stranger is closed for the new one,
then the oldest idle connection of anybody; where none is idle, the new connection is refused. A connection belongs to a stranger
until a request or a hello on it was authenticated.

Answers. What a client does not read waits in the transport's buffer. When all of these buffers together exceed
`MAX_UNREAD_BYTES`, the connection that has been behind for longest is cut.
"""

from typing import Final, Protocol

from transport.fair_turns import FairTurns

MAX_UNREAD_BYTES: Final = 128 * 1024 * 1024
DEFAULT_MAX_CONNECTIONS: Final = 65_536


class Connection(Protocol):
    """A connection of any protocol."""

    @property
    def is_idle(self) -> bool:
        """Whether closing it interrupts no request."""
        ...

    def evict(self) -> None:
        """Close at once, in favour of another connection."""

    def abort(self) -> None:
        """Cut the connection, with what waits to be written."""


class ConnectionTable:
    """The open connections of a process. Bounded by `max_connections`."""

    __slots__ = (
        "_members",
        "_strangers",
        "_unread",
        "_unread_bytes",
        "evicted_count",
        "max_connections",
        "refused_count",
        "turns",
    )

    def __init__(self, max_connections: int = DEFAULT_MAX_CONNECTIONS) -> None:
        self.max_connections = max_connections
        self.turns = FairTurns()
        self.evicted_count = 0
        self.refused_count = 0
        self._strangers: dict[Connection, None] = {}  # both in the order of arrival
        self._members: dict[Connection, None] = {}
        self._unread: dict[Connection, int] = {}
        self._unread_bytes = 0

    def __len__(self) -> int:
        return len(self._strangers) + len(self._members)

    def add(self, connection: Connection) -> bool:
        """Count a new connection, a stranger's; False: there is no room for it, so it must be closed."""
        if len(self) >= self.max_connections and not self._make_room():
            self.refused_count += 1
            return False
        self._strangers[connection] = None
        return True

    def replace(self, before: Connection, after: Connection) -> None:
        """The transport of a connection has a new protocol."""
        group = self._members if before in self._members else self._strangers
        group.pop(before, None)
        group[after] = None
        self.remove_unread(before)

    def remove(self, connection: Connection) -> None:
        """A connection is closed."""
        if self._strangers.pop(connection, connection) is connection:
            self._members.pop(connection, None)
        self.remove_unread(connection)

    def mark_authenticated(self, connection: Connection) -> None:
        """A connection does not belong to a stranger."""
        if connection in self._strangers:
            del self._strangers[connection]
            self._members[connection] = None

    def add_unread(self, connection: Connection, size: int) -> None:
        """So many bytes wait for a client that does not read."""
        self.remove_unread(connection)
        self._unread[connection] = size
        self._unread_bytes += size
        while self._unread_bytes > MAX_UNREAD_BYTES and self._unread:
            oldest = next(iter(self._unread))
            self.remove_unread(oldest)
            oldest.abort()

    def remove_unread(self, connection: Connection) -> None:
        """The client reads again, or is gone."""
        self._unread_bytes -= self._unread.pop(connection, 0)

    @property
    def unread_bytes(self) -> int:
        """Bytes that wait for clients that do not read."""
        return self._unread_bytes

    def _make_room(self) -> bool:
        for group in (self._strangers, self._members):
            oldest_idle = next((each for each in group if each.is_idle), None)
            if oldest_idle is not None:
                self.evicted_count += 1
                self.remove(oldest_idle)
                oldest_idle.evict()
                return True
        return False
