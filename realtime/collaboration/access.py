"""Rights in rooms: what a person may do with a document, and which entries of a stream may have changed that.

Rights are decided outside (`AccessLookup`), when a person joins and again whenever they may have changed.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol
from uuid import UUID

from domain.events import ChangeKind, Entry, team_stream


class DocumentRight(IntEnum):
    """What a person may do with a document; WRITE includes READ."""

    READ = 1
    WRITE = 2


@dataclass(frozen=True, slots=True)
class DocumentAccess:
    """A document's team, and the rights of those users who were asked about and have any."""

    team_id: UUID
    rights: Mapping[UUID, DocumentRight]


class AccessLookup(Protocol):
    async def __call__(self, document_id: UUID, user_ids: Collection[UUID], /) -> DocumentAccess | None:
        """The rights of users in a document; None when there is none, or it is deleted. Raises `Unavailable`."""


def may_affect_rights(entry: Entry, document_id: UUID) -> bool:
    """Whether an entry of a team's stream can have changed somebody's rights in a document."""
    if entry.kind in (ChangeKind.MEMBERSHIP, ChangeKind.ACCESS_LOST) or entry.entity_type in ("Project", "ShareLink", "Team"):
        return True
    return entry.entity_id == document_id and entry.kind in (ChangeKind.MOVED, ChangeKind.DELETED, ChangeKind.RESTORED)


def rights_stream(access: DocumentAccess) -> str:
    """The stream that announces changes of rights."""
    return team_stream(access.team_id)


def saved_version_id(entry: Entry, document_id: UUID) -> UUID | None:
    """The version of the document that an entry says was saved, None where it says nothing of the kind."""
    if entry.entity_id != document_id or entry.type != "DocumentVersionSaved":
        return None
    return UUID(entry.payload["entity"]["latest_version_id"])
