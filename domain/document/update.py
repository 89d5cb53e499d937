"""Updates of a document: what somebody wrote, and where it stands in the document's log.

A log is ordered and has no gaps: positions count from 1 for each document. It is a stream like a team's, with bytes in it instead of
facts: `document:{id}`.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


def document_stream(document_id: UUID) -> str:
    """The stream of a document's edits."""
    return f"document:{document_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """One edit to be kept. `data` is a Yjs update, encoding V1, that was checked.

    `session_id` is the client's own name for its editing session. `client_ids` are the Yjs clients that this update shows for the first
    time, as far as the caller knows: they are remembered as the author's, unless they are somebody's already.
    `client_mutation_id` makes a repetition by the same author be answered and not kept again.
    """

    document_id: UUID
    data: bytes
    author_id: UUID | None
    session_id: str | None = None
    client_ids: tuple[int, ...] = ()
    client_mutation_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedUpdate:
    """One edit at its position in its document's log."""

    document_id: UUID
    position: int
    data: bytes
    author_id: UUID | None
    session_id: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Placed:
    """What came of an appended update. `repeated`: it stood there before, and was not kept again."""

    position: int
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a log holds: the positions after `trimmed_to`, up to `head`."""

    trimmed_to: int = 0
    head: int = 0
