"""What a team is, and what it is to belong to one."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from domain.collation import collation_key
from domain.permissions import Role
from domain.user import User


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """People who work together; everything else belongs to one team."""

    type_name: ClassVar[str] = "Team"
    stored_properties: ClassVar[tuple[str, ...]] = ("name_collation",)

    id: UUID
    version: int = 1
    created_at: datetime
    updated_at: datetime
    name: str
    key: str
    description: str | None = None
    owner_id: UUID
    deleted_at: datetime | None = None

    @property
    def name_collation(self) -> str:
        """What the name sorts and is searched by."""
        return collation_key(self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """One user's place in one team."""

    team_id: UUID
    user_id: UUID
    role: Role
    joined_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Member(User):
    """A user as a member of a team."""

    role: Role
    joined_at: datetime
