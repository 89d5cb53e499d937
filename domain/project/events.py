"""What can happen to a project and to those who may see it."""

from dataclasses import dataclass
from uuid import UUID

from domain.events import ChangeKind, Event, FieldChange, difference, team_stream, user_stream
from domain.project.entity import Project


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectEvent(Event):
    """Something about a project, visible to those who may see it."""

    project: Project

    @property
    def stream(self) -> str:
        return team_stream(self.project.team_id)

    @property
    def entity(self) -> Project:
        return self.project

    @property
    def project_id(self) -> UUID | None:
        return self.project.id


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectCreated(ProjectEvent):
    """A project was started."""

    kind = ChangeKind.CREATED


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectUpdated(ProjectEvent):
    """A project's own attributes changed."""

    kind = ChangeKind.UPDATED
    before: Project

    @property
    def changes(self) -> tuple[FieldChange, ...]:
        return difference(self.before, self.project)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectDeleted(ProjectEvent):
    """A project was deleted with all its tasks; it can be restored."""

    kind = ChangeKind.DELETED


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectRestored(ProjectEvent):
    """A deleted project came back."""

    kind = ChangeKind.RESTORED


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectImported(ProjectEvent):
    """A project has come with everything in it, as a restored one does: clients load it anew."""

    kind = ChangeKind.RESTORED


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectMembersChanged(ProjectEvent):
    """People were added to a project or removed from it."""

    kind = ChangeKind.MEMBERSHIP
    added: tuple[UUID, ...]
    removed: tuple[UUID, ...]

    @property
    def changes(self) -> tuple[FieldChange, ...]:
        return (FieldChange(field="members", before=[str(u) for u in self.removed], after=[str(u) for u in self.added]),)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectJoined(ProjectEvent):
    """Somebody can now see the project: in their own stream."""

    kind = ChangeKind.MEMBERSHIP
    user_id: UUID

    @property
    def stream(self) -> str:
        return user_stream(self.user_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectAccessLost(ProjectEvent):
    """Somebody can no longer see the project: in their own stream."""

    kind = ChangeKind.ACCESS_LOST
    user_id: UUID

    @property
    def stream(self) -> str:
        return user_stream(self.user_id)

    @property
    def project_id(self) -> UUID | None:
        return None
