"""Projects: a team's undertakings, seen by the whole team or by their members only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, ClassVar, Protocol
from uuid import UUID

from domain import text
from domain.actor import Actor
from domain.errors import Invalid, LimitExceeded, NotFound, NotUnique, Path
from domain.events import ChangeKind, Event, FieldChange, difference, team_stream, user_stream
from domain.permissions import Access, Action, Kind, Role, access
from domain.ports import UnitOfWork
from domain.team import open_team
from domain.version import changed, require_version

MOST_MEMBERS_AT_ONCE = 100


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


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectEvent(Event):
    """Something about a project, told to those who may see it."""

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
    """A project was put away with all its tasks; it can be restored."""

    kind = ChangeKind.DELETED


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectRestored(ProjectEvent):
    """A deleted project came back."""

    kind = ChangeKind.RESTORED


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectMembersChanged(ProjectEvent):
    """People were added to a project or taken out of it."""

    kind = ChangeKind.MEMBERSHIP
    added: tuple[UUID, ...]
    removed: tuple[UUID, ...]

    @property
    def changes(self) -> tuple[FieldChange, ...]:
        return (FieldChange(field="members", before=[str(u) for u in self.removed], after=[str(u) for u in self.added]),)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectJoined(ProjectEvent):
    """Somebody can now see the project, and is told in his own stream."""

    kind = ChangeKind.MEMBERSHIP
    user_id: UUID

    @property
    def stream(self) -> str:
        return user_stream(self.user_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectAccessLost(ProjectEvent):
    """Somebody can no longer see the project, and is told in his own stream."""

    kind = ChangeKind.ACCESS_LOST
    user_id: UUID

    @property
    def stream(self) -> str:
        return user_stream(self.user_id)

    @property
    def project_id(self) -> UUID | None:
        return None


@dataclass(frozen=True, slots=True)
class Standing:
    """What somebody is towards a project that he may see."""

    role: Role
    leads: bool
    archived: bool


class ProjectStore(Protocol):
    """Where projects and their members are kept."""

    async def add(self, project: Project) -> bool:
        """Keep a new project; False when the id is taken."""
        ...

    async def save(self, project: Project) -> None: ...
    async def lock(self, project_id: UUID, user_id: UUID, *, deleted: bool = False) -> tuple[Project, Standing] | None:
        """A project that the user may see, held until the end of the operation; one that is deleted only when asked for."""
        ...

    async def readers(self, project_id: UUID, user_ids: Sequence[UUID] | None = None) -> frozenset[UUID]:
        """Who may see the project (of the given users only, where given)."""
        ...

    async def members(self, project_id: UUID) -> frozenset[UUID]: ...
    async def add_members(self, project_id: UUID, user_ids: Sequence[UUID]) -> None: ...
    async def remove_members(self, project_id: UUID, user_ids: Sequence[UUID]) -> None: ...
    async def adopt_orphans(self, team_id: UUID, *, leaving: UUID, heir: UUID) -> None:
        """Make the heir a member of the team's private projects whose only member is leaving."""
        ...


async def open_project(
    uow: UnitOfWork,
    actor: Actor,
    project_id: UUID,
    kind: Kind = Kind.PROJECT,
    path: Path = ("input", "id"),
    *,
    deleted: bool = False,
) -> tuple[Project, Access]:
    """Fetch, lock and authorise: the project, and what the actor may do to things of a kind in it."""
    found = await uow.projects.lock(project_id, actor.user_id, deleted=deleted)
    if found is None:
        raise NotFound(path)
    project, standing = found
    return project, access(actor, standing.role, kind, own=standing.leads, archived=standing.archived)


async def create(uow: UnitOfWork, actor: Actor, project_id: UUID | None, given: Mapping[str, Any], *, team_id: UUID) -> Project:
    """Start a project; whoever starts it, and its lead, are members."""
    team, _, rights = await open_team(uow, actor, team_id)
    rights.require(Action.CREATE)
    project = Project(
        id=project_id or uow.new_id(),
        created_at=uow.now,
        updated_at=uow.now,
        team_id=team.id,
        name=text.line(given["name"], ("input", "name")),
        description=text.optional_markdown(given.get("description"), ("input", "description")),
        visibility=given.get("visibility") or ProjectVisibility.TEAM,
        start_on=given.get("start_on"),
        end_on=given.get("end_on"),
        lead_id=given.get("lead_id"),
        creator_id=actor.user_id,
    )
    _require_order(project)
    if project.lead_id is not None and await uow.teams.role(team.id, project.lead_id) is None:
        raise Invalid(("input", "leadId"), "The lead is not a member of the team.")
    if not await uow.projects.add(project):
        raise NotUnique(("input", "id"), "This id is in use.")
    members = {actor.user_id, project.lead_id or actor.user_id}
    await uow.projects.add_members(project.id, sorted(members))
    uow.record(ProjectCreated(actor_id=actor.user_id, project=project))
    for user_id in sorted(members - {actor.user_id}):
        uow.record(ProjectJoined(actor_id=actor.user_id, project=project, user_id=user_id))
    return project


async def update(
    uow: UnitOfWork, actor: Actor, project_id: UUID, given: Mapping[str, Any], *, expected_version: int | None
) -> Project:
    """Change the attributes that are given; making a project private leaves it to its members."""
    before, rights = await open_project(uow, actor, project_id)
    rights.require(Action.UPDATE)
    require_version(before, expected_version)
    project = changed(before, uow.now, **_checked(given))
    if project is before:
        return project
    if project.visibility is not before.visibility:
        rights.require(Action.MANAGE, "Only the lead or an admin may change who sees the project.")
    _require_order(project)
    if project.lead_id is not None and project.lead_id != before.lead_id:
        if await uow.teams.role(project.team_id, project.lead_id) is None:
            raise Invalid(("input", "leadId"), "The lead is not a member of the team.")

    readers = await uow.projects.readers(project.id)
    await uow.projects.save(project)
    if project.lead_id is not None:
        await uow.projects.add_members(project.id, [project.lead_id])
    uow.record(ProjectUpdated(actor_id=actor.user_id, project=project, before=before))
    await _tell_readers(uow, actor, project, readers)
    return project


async def set_members(uow: UnitOfWork, actor: Actor, project_id: UUID, *, add: Sequence[UUID], remove: Sequence[UUID]) -> Project:
    """Add members of the team to the project and take others out; somebody always stays."""
    project, rights = await open_project(uow, actor, project_id)
    rights.require(Action.SHARE)
    if len(add) + len(remove) > MOST_MEMBERS_AT_ONCE:
        raise LimitExceeded("Too many people at once.", MOST_MEMBERS_AT_ONCE, path=("input", "addUserIds"))
    for user_id in add:
        if await uow.teams.role(project.team_id, user_id) is None:
            raise Invalid(("input", "addUserIds"), "Only members of the team can be added.")
    before = await uow.projects.members(project.id)
    after = (before | set(add)) - set(remove)
    if not after:
        raise Invalid(("input", "removeUserIds"), "A project keeps at least one member.")
    if before - after - {actor.user_id}:
        rights.require(Action.MANAGE, "Only the lead or an admin may take others out.")
    if after == before:
        return project
    readers = await uow.projects.readers(project.id)
    await uow.projects.add_members(project.id, sorted(after - before))
    await uow.projects.remove_members(project.id, sorted(before - after))
    uow.record(
        ProjectMembersChanged(
            actor_id=actor.user_id,
            project=project,
            added=tuple(sorted(after - before)),
            removed=tuple(sorted(before - after)),
        )
    )
    await _tell_readers(uow, actor, project, readers)
    return project


async def delete(uow: UnitOfWork, actor: Actor, project_id: UUID, *, expected_version: int | None) -> UUID:
    """Put a project away with its tasks; `restore` brings it back."""
    before, rights = await open_project(uow, actor, project_id)
    rights.require(Action.DELETE)
    require_version(before, expected_version)
    project = changed(before, uow.now, deleted_at=uow.now)
    await uow.projects.save(project)
    uow.record(ProjectDeleted(actor_id=actor.user_id, project=project))
    return project.id


async def restore(uow: UnitOfWork, actor: Actor, project_id: UUID) -> Project:
    """Bring a deleted project back."""
    before, rights = await open_project(uow, actor, project_id, deleted=True)
    rights.require(Action.DELETE)
    project = changed(before, uow.now, deleted_at=None)
    if project is not before:
        await uow.projects.save(project)
        uow.record(ProjectRestored(actor_id=actor.user_id, project=project))
    return project


async def _tell_readers(uow: UnitOfWork, actor: Actor, project: Project, before: frozenset[UUID]) -> None:
    """Tell those who gained or lost sight of the project, each in his own stream."""
    after = await uow.projects.readers(project.id)
    for user_id in sorted(after - before):
        uow.record(ProjectJoined(actor_id=actor.user_id, project=project, user_id=user_id))
    for user_id in sorted(before - after):
        uow.record(ProjectAccessLost(actor_id=actor.user_id, project=project, user_id=user_id))


def _checked(given: Mapping[str, Any]) -> dict[str, Any]:
    changes = {name: given[name] for name in ("start_on", "end_on", "lead_id") if name in given}
    if "name" in given:
        changes["name"] = text.line(given["name"], ("input", "name"))
    if "description" in given:
        changes["description"] = text.optional_markdown(given["description"], ("input", "description"))
    for name in ("status", "visibility"):
        if name in given:
            if given[name] is None:
                raise Invalid(("input", name), "This cannot be cleared.")
            changes[name] = given[name]
    return changes


def _require_order(project: Project) -> None:
    if project.start_on and project.end_on and project.end_on < project.start_on:
        raise Invalid(("input", "endOn"), "A project cannot end before it starts.")
