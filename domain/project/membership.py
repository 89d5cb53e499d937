"""Members of a project, and the events for those who gain or lose sight of it."""

from collections.abc import Sequence
from uuid import UUID

from domain.actor import Actor
from domain.errors import Invalid, LimitExceeded
from domain.permissions import Action
from domain.ports import UnitOfWork
from domain.project.entity import Project
from domain.project.events import ProjectAccessLost, ProjectJoined, ProjectMembersChanged
from domain.project.store import open_project

MAX_BATCH_MEMBERS = 100


async def set_members(uow: UnitOfWork, actor: Actor, project_id: UUID, *, add: Sequence[UUID], remove: Sequence[UUID]) -> Project:
    """Add members of the team to the project and take others out; somebody always stays."""
    project, rights = await open_project(uow, actor, project_id)
    rights.require(Action.SHARE)
    if len(add) + len(remove) > MAX_BATCH_MEMBERS:
        raise LimitExceeded("Too many people at once.", MAX_BATCH_MEMBERS, path=("input", "addUserIds"))
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
    await record_reader_changes(uow, actor, project, readers)
    return project


async def record_reader_changes(uow: UnitOfWork, actor: Actor, project: Project, before: frozenset[UUID]) -> None:
    """Record who gained or lost sight of the project, each in their own stream."""
    after = await uow.projects.readers(project.id)
    for user_id in sorted(after - before):
        uow.record(ProjectJoined(actor_id=actor.user_id, project=project, user_id=user_id))
    for user_id in sorted(before - after):
        uow.record(ProjectAccessLost(actor_id=actor.user_id, project=project, user_id=user_id))
