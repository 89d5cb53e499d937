"""Starting a project, changing it, putting it away and bringing it back."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from domain import text
from domain.actor import Actor
from domain.errors import Forbidden, Invalid, NotUnique
from domain.permissions import Access, Action
from domain.ports import UnitOfWork
from domain.project.entity import Project, ProjectStatus, ProjectVisibility
from domain.project.events import (
    ProjectCreated,
    ProjectDeleted,
    ProjectJoined,
    ProjectMembersChanged,
    ProjectRestored,
    ProjectUpdated,
)
from domain.project.membership import record_reader_changes
from domain.project.store import open_project
from domain.team import open_team
from domain.version import require_version, with_changes


async def create(uow: UnitOfWork, actor: Actor, project_id: UUID | None, values: Mapping[str, Any], *, team_id: UUID) -> Project:
    """Create a project; its creator and its lead become members."""
    team, _, rights = await open_team(uow, actor, team_id)
    rights.require(Action.CREATE)
    project = Project(
        id=project_id or uow.new_id(),
        created_at=uow.now,
        updated_at=uow.now,
        team_id=team.id,
        name=text.validate_name(values["name"], ("input", "name")),
        description=text.validate_optional_markdown(values.get("description"), ("input", "description")),
        visibility=values.get("visibility") or ProjectVisibility.TEAM,
        start_on=values.get("start_on"),
        end_on=values.get("end_on"),
        lead_id=values.get("lead_id"),
        creator_id=actor.user_id,
    )
    _require_date_order(project)
    await _require_lead(uow, project)
    if not await uow.projects.add(project):
        raise NotUnique(("input", "id"), "This id is in use.")
    members = {actor.user_id, project.lead_id or actor.user_id}
    await uow.projects.add_members(project.id, sorted(members))
    uow.record(ProjectCreated(actor_id=actor.user_id, project=project))
    for user_id in sorted(members - {actor.user_id}):
        uow.record(ProjectJoined(actor_id=actor.user_id, project=project, user_id=user_id))
    return project


async def update(
    uow: UnitOfWork, actor: Actor, project_id: UUID, values: Mapping[str, Any], *, expected_version: int | None
) -> Project:
    """Change the attributes that are given; making a project private leaves it to its members."""
    before, rights = await open_project(uow, actor, project_id)
    rights.require(Action.UPDATE)
    require_version(before, expected_version)
    project = with_changes(before, uow.now, **_validate_attributes(values))
    if project is before:
        return project
    if before.status is project.status is ProjectStatus.ARCHIVED:
        raise Forbidden(Action.UPDATE, "The project is archived.")
    await save_changes(uow, actor, rights, before, project)
    return project


async def save_changes(
    uow: UnitOfWork, actor: Actor, rights: Access, before: Project, project: Project, *, adds_members: bool = True
) -> None:
    """Store a project, held, with other attributes, once they are allowed together and to the actor. `adds_members`: a new lead
    becomes a member."""
    if project.visibility is not before.visibility:
        rights.require(Action.MANAGE, "Only the lead or an admin may change who sees the project.")
    _require_date_order(project)
    if project.lead_id != before.lead_id:
        await _require_lead(uow, project)

    readers = await uow.projects.readers(project.id)
    await uow.projects.save(project)
    members = await uow.projects.members(project.id)
    added = set() if project.lead_id is None or not adds_members else {project.lead_id} - members
    if not members | added:
        added = {actor.user_id}  # a private one must not be lost to everybody
    if added:
        joined = tuple(sorted(added))
        await uow.projects.add_members(project.id, joined)
        uow.record(ProjectMembersChanged(actor_id=actor.user_id, project=project, added=joined, removed=()))
    uow.record(ProjectUpdated(actor_id=actor.user_id, project=project, before=before))
    await record_reader_changes(uow, actor, project, readers)


async def delete(uow: UnitOfWork, actor: Actor, project_id: UUID, *, expected_version: int | None) -> UUID:
    """Put a project away with its tasks; `restore` brings it back."""
    before, rights = await open_project(uow, actor, project_id)
    rights.require(Action.DELETE)
    require_version(before, expected_version)
    project = with_changes(before, uow.now, deleted_at=uow.now)
    await uow.projects.save(project)
    uow.record(ProjectDeleted(actor_id=actor.user_id, project=project))
    return project.id


async def restore(uow: UnitOfWork, actor: Actor, project_id: UUID) -> Project:
    """Bring a deleted project back."""
    before, rights = await open_project(uow, actor, project_id, deleted=True)
    rights.require(Action.DELETE)
    project = with_changes(before, uow.now, deleted_at=None)
    if project is not before:
        await uow.projects.save(project)
        uow.record(ProjectRestored(actor_id=actor.user_id, project=project))
    return project


def _validate_attributes(values: Mapping[str, Any]) -> dict[str, Any]:
    changes = {name: values[name] for name in ("start_on", "end_on", "lead_id") if name in values}
    if "name" in values:
        changes["name"] = text.validate_name(values["name"], ("input", "name"))
    if "description" in values:
        changes["description"] = text.validate_optional_markdown(values["description"], ("input", "description"))
    for name in ("status", "visibility"):
        if name in values:
            if values[name] is None:
                raise Invalid(("input", name), "This cannot be cleared.")
            changes[name] = values[name]
    return changes


async def _require_lead(uow: UnitOfWork, project: Project) -> None:
    if project.lead_id is not None and await uow.teams.role(project.team_id, project.lead_id) is None:
        raise Invalid(("input", "leadId"), "The lead is not a member of the team.")


def _require_date_order(project: Project) -> None:
    if project.start_on and project.end_on and project.end_on < project.start_on:
        raise Invalid(("input", "endOn"), "A project cannot end before it starts.")
