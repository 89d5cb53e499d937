"""How long rooms wait for what."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Times in seconds."""

    tick: float = 0.008
    """For more edits, before what there is becomes durable."""
    linger: float = 20.0
    """After the last visitor has gone, before the room closes."""
    quiet: float = 30.0
    """After the last edit, before the document is settled."""
    sweep: float = 1.0
    """Between looks at all rooms."""
    again: float = 0.5
    """Before something that failed for want of a database is tried again."""
    answers: float = 0.05
    """For what other processes know of a document's peers."""
