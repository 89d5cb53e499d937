"""Who may be in a room, as the room is told: rights are decided outside, on entering and again whenever they may have changed."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol
from uuid import UUID

from domain.events import ChangeKind, Entry, team_stream


class DocumentRight(IntEnum):
    """What somebody may do with a document; WRITE includes READ."""

    READ = 1
    WRITE = 2


@dataclass(frozen=True, slots=True)
class DocumentAccess:
    """A document's team, and who of those asked about may do what in it; nobody else may anything."""

    team_id: UUID
    rights: Mapping[UUID, DocumentRight]


class AccessLookup(Protocol):
    async def __call__(self, document_id: UUID, user_ids: Collection[UUID], /) -> DocumentAccess | None:
        """How users stand with a document; None when there is none, or it is deleted. Raises `Unavailable`."""


def may_affect_rights(entry: Entry, document_id: UUID) -> bool:
    """Whether an entry of a team's stream can have changed somebody's rights in a document."""
    if entry.kind in (ChangeKind.MEMBERSHIP, ChangeKind.ACCESS_LOST) or entry.entity_type in ("Project", "Team"):
        return True
    return entry.entity_id == document_id and entry.kind in (ChangeKind.MOVED, ChangeKind.DELETED, ChangeKind.RESTORED)


def rights_stream(access: DocumentAccess) -> str:
    """The stream in which changes of rights are told."""
    return team_stream(access.team_id)


def saved_version_id(entry: Entry, document_id: UUID) -> UUID | None:
    """The version of the document that an entry tells was saved."""
    if entry.entity_id != document_id or entry.type != "DocumentVersionSaved":
        return None
    return UUID(entry.payload["entity"]["latest_version_id"])
