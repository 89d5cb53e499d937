"""What can happen to a team and to its members."""

from dataclasses import dataclass
from uuid import UUID

from domain.events import ChangeKind, Event, FieldChange, difference, team_stream, user_stream
from domain.permissions import Role
from domain.team.entity import Team


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamEvent(Event):
    """Something about a team, visible to all its members."""

    team: Team

    @property
    def stream(self) -> str:
        return team_stream(self.team.id)

    @property
    def entity(self) -> Team:
        return self.team


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamCreated(TeamEvent):
    """A team was founded."""

    kind = ChangeKind.CREATED


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamUpdated(TeamEvent):
    """A team's name, description or owner changed."""

    kind = ChangeKind.UPDATED
    before: Team

    @property
    def changes(self) -> tuple[FieldChange, ...]:
        return difference(self.before, self.team)


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamDeleted(TeamEvent):
    """A team was dissolved, with all that belonged to it."""

    kind = ChangeKind.DELETED


@dataclass(frozen=True, slots=True, kw_only=True)
class MembershipChanged(TeamEvent):
    """Somebody joined (`before` None), left (`after` None) or changed roles."""

    kind = ChangeKind.MEMBERSHIP
    user_id: UUID
    before: Role | None
    after: Role | None

    @property
    def changes(self) -> tuple[FieldChange, ...]:
        was = {"userId": str(self.user_id), "role": self.before} if self.before else None
        now = {"userId": str(self.user_id), "role": self.after} if self.after else None
        return (FieldChange(field="members", before=was, after=now),)


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamJoined(TeamEvent):
    """In the stream of the one who joined, so that their subscriptions take up the team's."""

    kind = ChangeKind.MEMBERSHIP
    user_id: UUID

    @property
    def stream(self) -> str:
        return user_stream(self.user_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamAccessLost(TeamEvent):
    """In the stream of the one who may no longer see the team."""

    kind = ChangeKind.ACCESS_LOST
    user_id: UUID

    @property
    def stream(self) -> str:
        return user_stream(self.user_id)
