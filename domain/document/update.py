"""Updates of a document: what somebody wrote, and where it stands in the document's log.

A log is ordered and has no gaps: positions count from 1 for each document. It is a stream like a team's, with bytes in it instead
of facts: `document:{id}`.
"""

import base64
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain.events import ChangeKind, Entry


def document_stream(document_id: UUID) -> str:
    """The stream of a document's edits."""
    return f"document:{document_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """One edit to be stored. `data` is a Yjs update, encoding V1, that was checked.

    `session_id` is the client's own name for its editing session. `client_ids` are the Yjs clients that this update shows for the
    first time, as far as the caller knows: they are remembered as the author's, unless they are somebody's already.
    `client_mutation_id` makes a repetition by the same author be answered and not stored again.
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


def to_logged(update: Update, position: int, at: datetime) -> LoggedUpdate:
    """An edit that was placed."""
    return LoggedUpdate(
        document_id=update.document_id,
        position=position,
        data=update.data,
        author_id=update.author_id,
        session_id=update.session_id,
        at=at,
    )


@dataclass(frozen=True, slots=True)
class Appended:
    """What came of an appended update. `repeated`: it was there before, and was not stored again."""

    position: int
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class LogBounds:
    """What a log holds: the positions after `trimmed_to`, up to `head`."""

    trimmed_to: int = 0
    head: int = 0


def to_entry(update: LoggedUpdate) -> Entry:
    """An edit as an entry of its document's stream, for other processes."""
    return Entry(
        stream=document_stream(update.document_id),
        position=update.position,
        id=update.document_id,
        type="DocumentEdited",
        version=1,
        kind=ChangeKind.UPDATED,
        entity_type="Document",
        entity_id=update.document_id,
        about_type="Document",
        about_id=update.document_id,
        project_id=None,
        payload={"data": base64.b64encode(update.data).decode(), "sessionId": update.session_id},
        actor_id=update.author_id,
        client_mutation_id=None,
        at=update.at,
    )


def from_entry(entry: Entry) -> LoggedUpdate:
    """The edit that `announcement` was given."""
    return LoggedUpdate(
        document_id=entry.entity_id,
        position=entry.position,
        data=base64.b64decode(entry.payload["data"]),
        author_id=entry.actor_id,
        session_id=entry.payload["sessionId"],
        at=entry.at,
    )
