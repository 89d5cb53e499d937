"""How long rooms wait for what."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomTimings:
    """Times in seconds."""

    commit_interval_seconds: float = 0.008
    """For more edits, before what there is becomes durable."""
    close_after_seconds: float = 20.0
    """After the last visitor has gone, before the room closes."""
    compact_after_seconds: float = 30.0
    """After the last edit, before the document is settled."""
    sweep_interval_seconds: float = 1.0
    """Between looks at all rooms."""
    retry_seconds: float = 0.5
    """Before something that failed for want of a database is tried again."""
    presence_wait_seconds: float = 0.05
    """For what other processes know of a document's peers."""
