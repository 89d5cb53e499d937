"""Reverses what happened to projects and to their members."""

from uuid import UUID

from domain import project as projects
from domain.actor import Actor
from domain.errors import Forbidden, UndoConflict
from domain.events import Entry, FieldChange
from domain.permissions import Action
from domain.ports import UnitOfWork
from domain.project import Project, ProjectStatus, open_project
from domain.project.edit import save_changes
from domain.undo.change_log import Call, changed_fields
from domain.undo.fields import require_as_created, require_same_deletion, values_before
from domain.version import with_changes

_PATH = ("input", "changeId")


async def delete_created(uow: UnitOfWork, actor: Actor, entry: Entry, call: Call) -> None:
    """A project that was created or imported is deleted, with everything in it, unless it has changed itself."""
    project = await _open_any(uow, actor, entry, Action.DELETE)
    require_as_created(project, entry)
    await projects.delete(uow, actor, project.id, expected_version=None)


async def restore(uow: UnitOfWork, actor: Actor, entry: Entry, call: Call) -> None:
    """A project that was deleted comes back."""
    project = await _open_any(uow, actor, entry, Action.DELETE)
    require_same_deletion(project, entry)
    await projects.restore(uow, actor, project.id)


async def delete_restored(uow: UnitOfWork, actor: Actor, entry: Entry, call: Call) -> None:
    """A project that came back is deleted again."""
    project = await _open_any(uow, actor, entry, Action.DELETE)
    require_same_deletion(project, entry)
    await projects.delete(uow, actor, project.id, expected_version=None)


async def update_back(uow: UnitOfWork, actor: Actor, entry: Entry, call: Call) -> None:
    """The attributes of a project are what they were."""
    before, rights = await open_project(uow, actor, entry.entity_id, path=_PATH)
    rights.require(Action.UPDATE)
    project = with_changes(before, uow.now, **values_before(before, entry))
    if before.status is project.status is ProjectStatus.ARCHIVED:
        raise Forbidden(Action.UPDATE, "The project is archived.")
    adds_members = call.about(project.id, "ProjectMembersChanged") is None
    await save_changes(uow, actor, rights, before, project, adds_members=adds_members)


async def set_members_back(uow: UnitOfWork, actor: Actor, entry: Entry, call: Call) -> None:
    """Who was added leaves, and who was removed comes back."""
    project, _ = await open_project(uow, actor, entry.entity_id, path=_PATH)
    change = changed_fields(entry)["members"]
    added, removed = [UUID(each) for each in change["after"]], [UUID(each) for each in change["before"]]
    members = await uow.projects.members(project.id)
    if not members >= set(added) or members & set(removed):
        now = [str(each) for each in sorted(members & {*added, *removed})]
        raise UndoConflict(project, [FieldChange(field="members", before=change["after"], after=now)])
    await projects.set_members(uow, actor, project.id, add=removed, remove=added)


async def _open_any(uow: UnitOfWork, actor: Actor, entry: Entry, action: Action) -> Project:
    project, rights = await open_project(uow, actor, entry.entity_id, path=_PATH, deleted=True)
    rights.require(action)
    return project
