"""Stores projects and their members, and is the one way to open a project for writing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from domain.actor import Actor
from domain.errors import NotFound, Path
from domain.permissions import Access, ResourceKind, Role, access
from domain.ports import UnitOfWork
from domain.project.entity import Project


@dataclass(frozen=True, slots=True)
class ProjectAccess:
    """The relation of a person to a project that they may see."""

    role: Role
    leads: bool
    archived: bool


class ProjectStore(Protocol):
    """Stores projects and their members."""

    async def add(self, project: Project) -> bool:
        """Store a new project; False when the id is in use."""
        ...

    async def save(self, project: Project) -> None: ...
    async def lock(self, project_id: UUID, user_id: UUID, *, deleted: bool = False) -> tuple[Project, ProjectAccess] | None:
        """A project that the user may see, held until the end of the operation; one that is deleted only when asked for."""
        ...

    async def read_unlocked(self, project_id: UUID, user_id: UUID) -> tuple[Project, ProjectAccess] | None:
        """The same, not held: what is added to it is stored only if nobody wrote it meanwhile, else the operation is run
        again."""
        ...

    async def lock_for_server(self, project_id: UUID) -> bool:
        """Hold a project until the end of an operation that the server itself does; False when it is gone."""
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
    kind: ResourceKind = ResourceKind.PROJECT,
    path: Path = ("input", "id"),
    *,
    deleted: bool = False,
    lock: bool = True,
) -> tuple[Project, Access]:
    """Fetch, lock and authorise: the project, and what the actor may do to things of a kind in it. It need not be held where
    one thing is added to it and nothing else is written."""
    if lock:
        found = await uow.projects.lock(project_id, actor.user_id, deleted=deleted)
    else:
        found = await uow.projects.read_unlocked(project_id, actor.user_id)
    if found is None:
        raise NotFound(path)
    project, standing = found
    return project, access(actor, standing.role, kind, own=standing.leads, archived=standing.archived)
