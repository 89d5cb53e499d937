"""The rows that are seeded together, as dataclasses whose attributes are named like the columns' keys."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from domain.comment import Comment
from domain.events import Entry
from domain.label import Label
from domain.project import Project
from domain.task import Task
from domain.task_link import TaskLink
from domain.team import Membership, Team
from domain.user import User


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedMembership(Membership):
    """A membership, with the position of the team's stream at which the member joined."""

    joined_position: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectMembership:
    """One user's membership in one project."""

    project_id: UUID
    user_id: UUID
    joined_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Reaction:
    """One user's emoji under a comment."""

    comment_id: UUID
    user_id: UUID
    emoji: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Watcher:
    """A user who watches a subject."""

    subject_id: UUID
    subject_type: str
    user_id: UUID
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenMark:
    """The position in a stream up to which a user has seen the changes of a subject."""

    user_id: UUID
    subject_id: UUID
    stream: str
    position: int
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamHead:
    """The last position of a stream."""

    stream: str
    position: int


@dataclass(slots=True, kw_only=True)
class Batch:
    """Rows that refer only to each other and to rows that were written before.

    `last_numbers` are the teams' last task numbers.
    """

    users: list[User] = field(default_factory=list)
    teams: list[Team] = field(default_factory=list)
    last_numbers: dict[UUID, int] = field(default_factory=dict)
    members: list[SeedMembership] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)
    projects: list[Project] = field(default_factory=list)
    project_members: list[ProjectMembership] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)
    links: list[TaskLink] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)
    reactions: list[Reaction] = field(default_factory=list)
    watchers: list[Watcher] = field(default_factory=list)
    seen_marks: list[SeenMark] = field(default_factory=list)
    heads: list[StreamHead] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
