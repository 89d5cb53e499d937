"""How long rooms and their connections wait for what, in seconds."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomTimings:
    """Times of rooms, in seconds."""

    commit_interval_seconds: float = 0.008
    """From the first edit of several that come close together, before they become durable."""
    close_after_seconds: float = 20.0
    """After the last participant left, before the room closes."""
    compact_after_seconds: float = 30.0
    """After the last edit, before the document is compacted."""
    sweep_interval_seconds: float = 1.0
    """Between two sweeps over all rooms."""
    rights_check_seconds: float = 0.3
    """Between two comparisons with the log, where several processes share the documents: announcements of lost rights may be
    lost."""
    retry_seconds: float = 0.5
    """Before what failed for want of a database is tried again."""
    presence_wait_seconds: float = 0.05
    """For the answers of other processes about who is in a document."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepaliveTimings:
    """Times of connections, in seconds."""

    ping_after_seconds: float = 20.0
    """Of silence, before a client is pinged."""
    pong_timeout_seconds: float = 15.0
    """From a ping to anything that is received, before the connection is closed: shorter than the silence before the next."""
    check_interval_seconds: float = 4.0
    """Between two checks of the tokens and the silence of all connections."""
