"""What a project is."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from domain.collation import collation_key


class ProjectStatus(StrEnum):
    """Where a project stands; an archived one is read-only."""

    ACTIVE = "ACTIVE"
    COMPLETED = "COMPLETED"
    ARCHIVED = "ARCHIVED"


class ProjectVisibility(StrEnum):
    """Who sees a project: its team (guests only where they were added), or only its members."""

    TEAM = "TEAM"
    PRIVATE = "PRIVATE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A team's undertaking, with tasks and documents."""

    type_name: ClassVar[str] = "Project"
    stored_properties: ClassVar[tuple[str, ...]] = ("name_collation",)

    id: UUID
    version: int = 1
    created_at: datetime
    updated_at: datetime
    team_id: UUID
    name: str
    description: str | None = None
    status: ProjectStatus = ProjectStatus.ACTIVE
    visibility: ProjectVisibility = ProjectVisibility.TEAM
    start_on: date | None = None
    end_on: date | None = None
    lead_id: UUID | None = None
    creator_id: UUID | None = None
    deleted_at: datetime | None = None

    @property
    def name_collation(self) -> str:
        """What the name sorts and is searched by."""
        return collation_key(self.name)
