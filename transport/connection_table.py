"""Bounds what all connections of a process hold together: their number, the answers that nobody reads, and turns of the loop.

Descriptors. A process that has none left accepts nobody, not even those who ask whether it is well. So connections are limited to
a number below the limit of the system: when it is reached, the oldest idle connection of a stranger is closed for the new one,
then the oldest idle connection of anybody; where none is idle, the new connection is refused. A connection belongs to a stranger
until a request or a hello on it was authenticated. Strangers of one address may have a part of them only, in the same manner:
the oldest idle one of that address makes room.

Answers. What a client does not read waits in the transport's buffer. When all of these buffers together exceed
`MAX_UNREAD_BYTES`, the connection that has been behind for longest is cut.
"""

from collections.abc import Iterable
from typing import Final, Protocol

from transport.fair_turns import FairTurns
from transport.write_turns import WriteTurns

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
    """The open connections of a process. Bounded by `max_connections`, those of the strangers of an address by
    `max_per_address`."""

    __slots__ = (
        "_addresses",
        "_members",
        "_strangers",
        "_unread",
        "_unread_bytes",
        "evicted_count",
        "max_connections",
        "max_per_address",
        "refused_count",
        "turns",
        "write_turns",
    )

    def __init__(self, max_connections: int = DEFAULT_MAX_CONNECTIONS, *, max_per_address: int | None = None) -> None:
        self.max_connections = max_connections
        self.max_per_address = max_per_address
        self.turns = FairTurns()
        self.write_turns = WriteTurns()
        self.evicted_count = 0
        self.refused_count = 0
        self._strangers: dict[Connection, str | None] = {}  # with their addresses; both in the order of arrival
        self._members: dict[Connection, None] = {}
        self._addresses: dict[str, dict[Connection, None]] = {}  # the strangers of each
        self._unread: dict[Connection, int] = {}
        self._unread_bytes = 0

    def __len__(self) -> int:
        return len(self._strangers) + len(self._members)

    def add(self, connection: Connection, address: str | None = None) -> bool:
        """Count a new connection, a stranger's; False: there is no room for it, so it must be closed. `address`: None for one
        that many clients share, as a proxy's."""
        if address is not None and self.max_per_address is not None:
            others = self._addresses.get(address, {})
            if len(others) >= self.max_per_address and not self._evict_idle(others):
                self.refused_count += 1
                return False
        if len(self) >= self.max_connections and not self._make_room():
            self.refused_count += 1
            return False
        self._add_stranger(connection, address)
        return True

    def replace(self, before: Connection, after: Connection) -> None:
        """The transport of a connection has a new protocol."""
        if before in self._members:
            del self._members[before]
            self._members[after] = None
        else:
            self._add_stranger(after, self._pop_stranger(before))
        self.remove_unread(before)

    def remove(self, connection: Connection) -> None:
        """A connection is closed."""
        if connection in self._strangers:
            self._pop_stranger(connection)
        else:
            self._members.pop(connection, None)
        self.remove_unread(connection)

    def mark_authenticated(self, connection: Connection) -> None:
        """A connection does not belong to a stranger."""
        if connection in self._strangers:
            self._pop_stranger(connection)
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
        return self._evict_idle(self._strangers) or self._evict_idle(self._members)

    def _evict_idle(self, group: Iterable[Connection]) -> bool:
        """Close the oldest idle connection of a group; whether there was one."""
        oldest_idle = next((each for each in group if each.is_idle), None)
        if oldest_idle is None:
            return False
        self.evicted_count += 1
        self.remove(oldest_idle)
        oldest_idle.evict()
        return True

    def _add_stranger(self, connection: Connection, address: str | None) -> None:
        self._strangers[connection] = address
        if address is not None:
            self._addresses.setdefault(address, {})[connection] = None

    def _pop_stranger(self, connection: Connection) -> str | None:
        address = self._strangers.pop(connection, None)
        if address is not None:
            of_address = self._addresses[address]
            del of_address[connection]
            if not of_address:
                del self._addresses[address]
        return address
